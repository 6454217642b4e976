"""Dates, times and values in the forms that people in Finland expect."""

from datetime import UTC, date, datetime, timedelta

import pytest

from policies.catalogue import load_catalogue
from policies.facts import Value
from policies.ids import AttributeId
from policies.vocabulary import Language
from service.formats import Formats

FI, SV, EN = Formats(Language.FI), Formats(Language.SV), Formats(Language.EN)
NOW = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
SUMMER = datetime(2026, 6, 30, 21, 30, tzinfo=UTC)
NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("forms", "moment", "expected"),
    [
        (FI, NOW, "24.11.2026 klo 14.05"),
        (SV, NOW, "24.11.2026 kl. 14.05"),
        (EN, NOW, "24/11/2026 14.05"),
        (FI, SUMMER, "1.7.2026 klo 0.30"),
    ],
)
def test_a_moment_is_shown_in_finnish_time(forms: Formats, moment: datetime, expected: str) -> None:
    assert forms.moment(moment) == expected


@pytest.mark.parametrize(
    ("forms", "expected"),
    [(FI, "24. marraskuuta 2026"), (SV, "24 november 2026"), (EN, "24 November 2026")],
)
def test_a_long_date_has_its_month_in_letters(forms: Formats, expected: str) -> None:
    assert forms.long_day(NOW) == expected


@pytest.mark.parametrize(
    ("forms", "length", "expected"),
    [
        (FI, timedelta(days=90), "3 kuukautta"),
        (SV, timedelta(days=14), "2 veckor"),
        (EN, timedelta(days=180), "6 months"),
        (EN, timedelta(minutes=30), "30 minutes"),
        (FI, timedelta(hours=8), "8 tuntia"),
    ],
)
def test_a_span_is_plain(forms: Formats, length: timedelta, expected: str) -> None:
    assert forms.span(length) == expected


@pytest.mark.parametrize(
    ("forms", "back", "expected"),
    [
        (FI, timedelta(days=3), "3 päivää sitten"),
        (SV, timedelta(days=3), "för 3 dagar sedan"),
        (EN, timedelta(days=400), "1 year ago"),
        (EN, timedelta(hours=3), "today"),
        (EN, timedelta(hours=-1), "today"),
    ],
)
def test_an_age_is_told_from_now(forms: Formats, back: timedelta, expected: str) -> None:
    assert forms.age(NOW - back, NOW) == expected


@pytest.mark.parametrize(
    ("forms", "attribute", "value", "expected"),
    [
        (FI, "income.monthly_gross", 315_050, f"3{NBSP}150,50{NBSP}€"),
        (SV, "income.monthly_gross", 315_050, f"3{NBSP}150,50{NBSP}€"),
        (EN, "income.monthly_gross", 315_050, f"3{NBSP}150,50{NBSP}€"),
        (FI, "income.monthly_gross", 5, f"0,05{NBSP}€"),
        (EN, "glucose.latest_value", 64, "6,4 mmol/l"),
        (EN, "glucose.latest_value", 100, "10,0 mmol/l"),
        (FI, "glucose.measurement_count", 1088, f"1{NBSP}088"),
        (SV, "income.last_payment_date", "2026-10-31", "31.10.2026"),
        (FI, "glucose.latest_time", "2026-07-01T21:30:00Z", "2.7.2026 klo 0.30"),
        (SV, "glucose.latest_time", "2026-11-20T07:30:00Z", "20.11.2026 kl. 9.30"),
        (EN, "glucose.latest_time", "2026-11-20T07:30:00Z", "20/11/2026 9.30"),
        (EN, "income.employer", "2026-11-20T07:30:00Z", "2026-11-20T07:30:00Z"),
        (FI, "income.employer", "Esimerkkitila Oy", "Esimerkkitila Oy"),
        (SV, "person.given_names", ("Aino", "Maria"), "Aino, Maria"),
        (FI, "person.given_names", True, "kyllä"),
        (SV, "person.given_names", False, "nej"),
    ],
)
def test_a_value_is_shown_as_its_type_and_unit_say(
    forms: Formats, attribute: str, value: Value, expected: str
) -> None:
    shown = forms.value(value, load_catalogue().attribute(AttributeId(attribute)))
    assert shown == expected


def test_a_date_without_time_is_not_moved_by_the_zone() -> None:
    assert FI.day(date(2026, 1, 1)) == "1.1.2026"
    assert FI.count(12_345) == f"12{NBSP}345"
