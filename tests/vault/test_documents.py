"""What is refused in a document: each fault by its name, and never with the value."""

from dataclasses import replace
from datetime import timedelta, timezone
from uuid import UUID

import pytest

from policies.catalogue import ValueType
from policies.facts import Document, Fact, Value
from policies.ids import AttributeId, DatasetId, PersonId, SourceId
from policies.vocabulary import AuthorityRank
from tests.vault.given import (
    EARLIER,
    EMPLOYER,
    GLUCOSE,
    GROSS,
    NOW,
    PAID,
    POPULATION,
    STREET,
    TAX,
    catalogue,
    document,
    fact,
)
from vault.documents import Refusal, RefusedDocumentError, check_document, is_of_type

GOOD = document(fact(), fact(EMPLOYER, "Oy Esimerkki Ab"), fact(PAID, "2026-10-31"))
SECRET = "010199-9012"
MANY = [PersonId(UUID(int=number)) for number in range(33)]


def refusal(given: Document) -> tuple[Refusal, AttributeId | None]:
    with pytest.raises(RefusedDocumentError) as caught:
        check_document(given, catalogue(), now=NOW)
    assert SECRET not in repr(caught.value)
    return caught.value.reason, caught.value.attribute


def test_a_good_document_passes() -> None:
    check_document(GOOD, catalogue(), now=NOW)
    check_document(replace(GOOD, signature="eyJhbGciOiJFUzI1NiJ9..c2ln"), catalogue(), now=NOW)
    about_others = replace(fact(), also_about=frozenset(MANY[:32]))
    check_document(document(about_others), catalogue(), now=NOW)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (replace(GOOD, dataset=DatasetId("horoscope")), Refusal.UNKNOWN_DATASET),
        (replace(GOOD, source=SourceId("rumour")), Refusal.UNKNOWN_SOURCE),
        (replace(GOOD, digest=bytes(31)), Refusal.DIGEST_LENGTH),
        (replace(GOOD, facts=()), Refusal.EMPTY),
        (replace(GOOD, signature=""), Refusal.SIGNATURE),
        (replace(GOOD, signature="x" * 4097), Refusal.SIGNATURE),
        (replace(GOOD, signature="a b"), Refusal.SIGNATURE),
        (replace(GOOD, signature="a\n"), Refusal.SIGNATURE),
        (replace(GOOD, signature="ä"), Refusal.SIGNATURE),
    ],
)
def test_a_fault_of_the_whole_is_named(given: Document, reason: Refusal) -> None:
    assert refusal(given) == (reason, None)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (fact(STREET, SECRET, TAX), Refusal.OTHER_DATASET),
        (fact(EMPLOYER, SECRET, POPULATION), Refusal.OTHER_SOURCE),
        (replace(fact(), observed_at=EARLIER.replace(tzinfo=None)), Refusal.NOT_UTC),
        (
            replace(fact(), observed_at=EARLIER.astimezone(timezone(timedelta(hours=2)))),
            Refusal.NOT_UTC,
        ),
        (replace(fact(), observed_at=NOW + timedelta(minutes=6)), Refusal.IN_FUTURE),
        (fact(GROSS, SECRET), Refusal.WRONG_TYPE),
        (replace(fact(), also_about=frozenset(MANY)), Refusal.TOO_MANY_OTHERS),
    ],
)
def test_a_fault_of_a_fact_is_named_with_its_attribute(bad: Fact, reason: Refusal) -> None:
    given = replace(GOOD, facts=(fact(PAID, "2026-10-31"), bad))
    assert refusal(given) == (reason, bad.attribute)


def test_an_attribute_that_we_do_not_know_is_not_repeated() -> None:
    given = replace(GOOD, facts=(fact(AttributeId(f"income.{SECRET}"), 1, TAX),))
    assert refusal(given) == (Refusal.UNKNOWN_ATTRIBUTE, None)


def test_an_attribute_twice_is_refused() -> None:
    assert refusal(document(fact(), fact(value=1))) == (Refusal.ATTRIBUTE_TWICE, GROSS)


def test_a_source_cannot_claim_more_authority_than_it_has() -> None:
    known = catalogue()
    weak = replace(known.source(GOOD.source), authority=AuthorityRank.SELF_ASSERTED)
    weaker = replace(known, sources={GOOD.source: weak})
    with pytest.raises(RefusedDocumentError) as caught:
        check_document(GOOD, weaker, now=NOW)
    assert caught.value.reason is Refusal.TOO_MUCH_AUTHORITY


def test_a_source_may_claim_less_authority() -> None:
    humble = replace(fact(), authority=AuthorityRank.INFERRED)
    check_document(document(humble), catalogue(), now=NOW)


def test_clocks_may_differ_a_little() -> None:
    soon = replace(fact(), observed_at=NOW + timedelta(minutes=5))
    check_document(document(soon), catalogue(), now=NOW)


def test_the_error_says_attribute_and_reason() -> None:
    error = RefusedDocumentError(Refusal.WRONG_TYPE, GLUCOSE)
    assert str(error) == "glucose.latest_value: wrong-value-type"
    assert str(RefusedDocumentError(Refusal.EMPTY)) == "empty-document"


LIMIT = 2**53 - 1

RIGHT: list[tuple[ValueType, Value]] = [
    (ValueType.STRING, "Äijälä 😀"),
    (ValueType.STRING, "x" * 4096),
    (ValueType.INTEGER, 0),
    (ValueType.INTEGER, LIMIT),
    (ValueType.INTEGER, -LIMIT),
    (ValueType.BOOLEAN, False),
    (ValueType.DATE, "2024-02-29"),
    (ValueType.INSTANT, "2024-02-29T23:59:59Z"),
    (ValueType.INSTANT, "0001-01-01T00:00:00Z"),
    (ValueType.MONEY_CENTS, -1),
    (ValueType.STRINGS, ()),
    (ValueType.STRINGS, ("a", "b")),
    (ValueType.STRINGS, ("a",) * 256),
]
WRONG: list[tuple[ValueType, object]] = [
    *[
        (ValueType.INSTANT, wrong)
        for wrong in (
            "2024-02-29",
            "2024-02-29T23:59:59",
            "2024-02-29T23:59:59+00:00",
            "2024-02-29T23:59:59+02:00",
            "2024-02-29T23:59:59.5Z",
            "2024-02-29T23:59:59.000000Z",
            "2024-02-29T23:59:60Z",
            "2024-02-29 23:59:59Z",
            "2024-02-29T23:59Z",
            "20240229T235959Z",
            "2023-02-29T23:59:59Z",
            "2024-W09-4T23:59:59Z",
            "Z",
            "",
            7,
            None,
        )
    ],
    (ValueType.STRING, ""),
    (ValueType.STRING, "x" * 4097),
    (ValueType.STRING, "\ud83d"),
    (ValueType.STRING, 1),
    (ValueType.STRING, ("a",)),
    (ValueType.STRING, b"a"),
    (ValueType.STRING, None),
    (ValueType.INTEGER, True),
    (ValueType.INTEGER, 1.0),
    (ValueType.INTEGER, "1"),
    (ValueType.INTEGER, LIMIT + 1),
    (ValueType.INTEGER, -LIMIT - 1),
    (ValueType.BOOLEAN, 1),
    (ValueType.BOOLEAN, "true"),
    (ValueType.DATE, "2023-02-29"),
    (ValueType.DATE, "20240229"),
    (ValueType.DATE, "2024-W09-4"),
    (ValueType.DATE, "2024-02-29T00:00:00"),
    (ValueType.DATE, "29.2.2024"),
    (ValueType.DATE, 20240229),
    (ValueType.MONEY_CENTS, False),
    (ValueType.MONEY_CENTS, 10.5),
    (ValueType.STRINGS, "ab"),
    (ValueType.STRINGS, ["a"]),
    (ValueType.STRINGS, ("a", "")),
    (ValueType.STRINGS, ("a", 1)),
    (ValueType.STRINGS, ("a",) * 257),
]


@pytest.mark.parametrize(("type_", "value"), RIGHT)
def test_a_value_of_its_type_fits(type_: ValueType, value: Value) -> None:
    assert is_of_type(type_, value)


@pytest.mark.parametrize(("type_", "value"), WRONG)
def test_a_value_of_another_type_does_not_fit(type_: ValueType, value: object) -> None:
    assert not is_of_type(type_, value)


def test_every_type_of_the_catalogue_has_a_check() -> None:
    assert {type_ for type_, _ in RIGHT} == set(ValueType)
