"""What may be erased at a person's wish, what stays, and when the time of a value is over."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from policies.catalogue import Catalogue, load_catalogue
from policies.erasure import (
    Held,
    WhyKept,
    choices,
    has_left,
    is_over,
    kept_by_law,
    was_replaced_long_ago,
    why_kept,
)
from policies.ids import AttributeId, DatasetId
from policies.text import Text
from policies.vocabulary import Label

CATALOGUE = load_catalogue()
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
INCOME, RESIDENCE, PERSON = map(DatasetId, ("income", "residence", "person"))


def held(attribute: str, *labels: Label) -> Held:
    return Held(AttributeId(attribute), frozenset(labels))


GROSS = held("income.monthly_gross")
CITY = held("residence.city")
MARKED_CITY = held("residence.city", Label.PROTECTED)
MUNICIPALITY = held("person.home_municipality")
MARKED_MUNICIPALITY = held("person.home_municipality", Label.PROTECTED)


def with_law(dataset: DatasetId) -> Catalogue:
    found = CATALOGUE.dataset(dataset)
    law = Text(fi="Laki 1/2026", sv="Lag 1/2026", en="Act 1/2026")
    kept = replace(found, retention=replace(found.retention, law=law))
    return replace(CATALOGUE, datasets={**CATALOGUE.datasets, dataset: kept})


def test_whatever_no_law_keeps_may_be_erased() -> None:
    found = choices(CATALOGUE, [GROSS, CITY, MUNICIPALITY])
    assert found == {INCOME: None, PERSON: None, RESIDENCE: None}
    assert choices(CATALOGUE, []) == {}


def test_what_has_left_the_catalogue_holds_up_nothing() -> None:
    gone = held("horoscope.sign")
    assert choices(CATALOGUE, [gone, GROSS]) == choices(CATALOGUE, [GROSS])
    assert kept_by_law(CATALOGUE, [gone]) == frozenset()
    assert why_kept(CATALOGUE, [gone, GROSS], DatasetId("income")) is None


@pytest.mark.parametrize(
    ("dataset", "attribute", "labels", "left"),
    [
        ("income", "income.monthly_gross", [], False),
        ("horoscope", "horoscope.sign", [], True),
        ("income", "income.luck", [], True),
        ("horoscope", "income.monthly_gross", [Label.PROTECTED], True),
        ("horoscope", "horoscope.sign", [Label.DISPUTED], False),
        ("income", "income.luck", [Label.RESTRICTED, Label.PROTECTED], False),
    ],
)
def test_what_the_catalogue_does_not_have_any_more_is_over_unless_it_is_disputed(
    dataset: str, attribute: str, labels: list[Label], left: bool
) -> None:
    found = has_left(
        CATALOGUE, dataset=DatasetId(dataset), attribute=AttributeId(attribute), labels=labels
    )
    assert found is left


def test_what_a_law_keeps_stays_and_is_named() -> None:
    kept = with_law(INCOME)
    assert why_kept(kept, [GROSS, CITY], INCOME) is WhyKept.BY_LAW
    assert why_kept(kept, [GROSS, CITY], RESIDENCE) is None
    assert kept_by_law(kept, [GROSS, CITY]) == {INCOME}
    assert kept_by_law(kept, [CITY]) == frozenset()


@pytest.mark.parametrize(
    ("found", "dataset", "why"),
    [
        ([MARKED_CITY, MUNICIPALITY], RESIDENCE, WhyKept.PROTECTS),
        ([MARKED_CITY, MUNICIPALITY], PERSON, None),
        ([MARKED_CITY, GROSS], RESIDENCE, None),
        ([MARKED_CITY], RESIDENCE, None),
        ([MARKED_CITY, MARKED_MUNICIPALITY], RESIDENCE, None),
        ([CITY, MUNICIPALITY], RESIDENCE, None),
        ([held("income.employer", Label.PROTECTED), CITY], INCOME, WhyKept.PROTECTS),
    ],
)
def test_the_mark_that_protects_a_person_stays_while_other_data_tells_where_she_is(
    found: list[Held], dataset: DatasetId, why: WhyKept | None
) -> None:
    assert why_kept(CATALOGUE, found, dataset) is why


@pytest.mark.parametrize(
    ("age", "valid_to", "over"),
    [
        (10 * DAY, None, True),
        (10 * DAY - timedelta(microseconds=1), None, False),
        (100 * DAY, date(2026, 11, 13), True),
        (100 * DAY, date(2026, 11, 14), False),
        (100 * DAY, date(2027, 1, 1), False),
    ],
)
def test_the_time_of_a_value_ends_after_its_days_or_after_those_of_its_validity(
    age: timedelta, valid_to: date | None, over: bool
) -> None:
    found = is_over(days=10, observed_at=NOW - age, valid_to=valid_to, labels=(), now=NOW)
    assert found is over


@pytest.mark.parametrize("age", [10 * DAY, 10 * DAY - timedelta(microseconds=1)])
def test_a_replaced_value_is_kept_for_its_own_days(age: timedelta) -> None:
    over = was_replaced_long_ago(days=10, received_at=NOW - age, labels=(), now=NOW)
    assert over is (age == 10 * DAY)


@pytest.mark.parametrize("label", [Label.DISPUTED, Label.RESTRICTED])
def test_what_is_disputed_or_restricted_is_kept(label: Label) -> None:
    long_ago = NOW - 1000 * DAY
    assert not is_over(days=1, observed_at=long_ago, valid_to=None, labels=[label], now=NOW)
    assert not was_replaced_long_ago(days=1, received_at=long_ago, labels=[label], now=NOW)


def test_every_data_set_says_how_long_it_is_kept() -> None:
    for each in CATALOGUE.datasets.values():
        assert each.retention.history_days <= each.retention.days
        assert each.max_validity_days <= each.retention.days
