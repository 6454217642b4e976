"""Single values: the forms that are read, and the ones that are not."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from connectors import scalars
from connectors.scalars import ScalarError


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2026-01-15T12:00:00", "2026-01-15T10:00:00"),
        ("2026-07-15T12:00:00", "2026-07-15T09:00:00"),
        # Summer time of 2026 begins on 29 March and ends on 25 October.
        ("2026-03-29T02:59:59", "2026-03-29T00:59:59"),
        ("2026-03-29T04:00:00", "2026-03-29T01:00:00"),
        ("2026-10-25T02:59:59", "2026-10-24T23:59:59"),
        ("2026-10-25T03:30:00", "2026-10-25T00:30:00"),  # the first of two
        ("2026-10-25T04:00:00", "2026-10-25T02:00:00"),
        ("2024-03-31T04:00:00", "2024-03-31T01:00:00"),  # a Sunday that is the month's last day
    ],
)
def test_finnish_time_becomes_utc(wall: str, utc: str) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert scalars.parsed_instant(wall, local=True) == expected


def test_finnish_time_agrees_with_the_time_zone_database_for_twenty_years() -> None:
    zoneinfo = pytest.importorskip("zoneinfo")
    try:
        helsinki = zoneinfo.ZoneInfo("Europe/Helsinki")
    except zoneinfo.ZoneInfoNotFoundError:
        pytest.skip("this machine has no time zone database")
    for year in range(2010, 2031):
        for month in range(1, 13):
            for day in range(1, 29, 3):
                wall = datetime(year, month, day, 15, 30)  # noqa: DTZ001 -- wall time
                expected = wall.replace(tzinfo=helsinki).astimezone(UTC)
                assert scalars.from_finnish_time(wall) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T07:10:00Z", "2026-11-20T07:10:00+00:00"),
        ("2026-11-20T07:10:00+02:00", "2026-11-20T05:10:00+00:00"),
        ("2026-11-20T07:10:00.5-03:30", "2026-11-20T10:40:00.500000+00:00"),
        ("2026-11-20T07:10:00.123456789Z", "2026-11-20T07:10:00.123456+00:00"),
    ],
)
def test_a_time_with_a_zone_becomes_utc(text: str, expected: str) -> None:
    assert scalars.parsed_instant(text).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20 07:10:00Z",
        "2026-11-20T07:10Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T07:10:61Z",
        "2026-11-20T07:10:00+25:00",
        "2026-02-29T07:10:00Z",
        "2026-11-20T07:10:00z",
        "20261120T071000Z",
        "2026-11-20T07:10:00",
        "٢٠٢٦-11-20T07:10:00Z",
        "",
    ],
)
def test_another_form_of_time_is_refused(text: str) -> None:
    with pytest.raises(ScalarError):
        scalars.parsed_instant(text)


@pytest.mark.parametrize("text", ["2026-1-1", "20260101", "2026-W01-1", "2026-02-30", "1799-12-31"])
def test_another_form_of_date_is_refused(text: str) -> None:
    with pytest.raises(ScalarError):
        scalars.parsed_date(text)


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0", 0), ("0.5", 50), ("-12.34", -1234), ("999999999999.99", 99999999999999), ("7.00", 700)],
)
def test_an_amount_becomes_cents(text: str, cents: int) -> None:
    assert scalars.parsed_cents(text) == cents


@pytest.mark.parametrize("text", ["", "1,5", "1.005", "01", ".5", "5.", "+5", "1e3", " 5", "NaN"])
def test_another_form_of_amount_is_refused(text: str) -> None:
    with pytest.raises(ScalarError):
        scalars.parsed_cents(text)


@pytest.mark.parametrize(("value", "tenths"), [("6.95", 70), ("6.94", 69), ("-0.05", -1)])
def test_tenths_are_rounded_half_up(value: str, tenths: int) -> None:
    assert scalars.tenths(Decimal(value)) == tenths


@pytest.mark.parametrize(
    "text", ["a\nb", "a\x7f", "\u0085", "\ud800", "\uffff", "\t", "a\u202eb", "\u2066a", "\u2028"]
)
def test_a_text_with_an_unprintable_character_is_refused(text: str) -> None:
    with pytest.raises(ScalarError):
        scalars.checked_text(text)
