"""Single values as documents write them: texts, dates, times, amounts. Errors hold no value."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from policies.text import UNPRINTABLE

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?P<fraction>\.[0-9]{1,9})?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)
_AMOUNT = re.compile(r"-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,2})?")
_LONGEST_TEXT = 500
_EARLIEST_YEAR = 1800
_LATEST_YEAR = 2200
_CENT = Decimal("0.01")


class ScalarError(ValueError):
    """The value has not the form that it should have; says what form, and not what value."""


def checked_text(value: str) -> str:
    """A text of one line that a database and a page can hold."""
    if not value.strip():
        raise ScalarError("is empty")
    if len(value) > _LONGEST_TEXT:
        raise ScalarError("is too long")
    if UNPRINTABLE.search(value):
        raise ScalarError("holds a character that is not allowed")
    return value


def parsed_date(text: str) -> date:
    """An ISO 8601 calendar date."""
    if not _DATE.fullmatch(text):
        raise ScalarError("is not a date")
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ScalarError("is not a date") from None
    if not _EARLIEST_YEAR <= found.year < _LATEST_YEAR:
        raise ScalarError("is a date out of range")
    return found


def parsed_instant(text: str, *, local: bool = False) -> datetime:
    """A time in UTC. Without a zone it is an error, unless it is known to be Finnish `local`."""
    form = _INSTANT.fullmatch(text)
    if form is None:
        raise ScalarError("is not a time")
    if form["zone"] is None and not local:
        raise ScalarError("is a time without a zone")
    parsed_date(text[:10])
    try:
        found = datetime.fromisoformat(_microseconds(text, form["fraction"]))
    except ValueError:
        raise ScalarError("is not a time") from None
    return found.astimezone(UTC) if found.tzinfo else from_finnish_time(found)


def utc_text(at: datetime) -> str:
    """A point in time as facts hold it: UTC, to the second (RFC 3339 section 5.6)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parsed_cents(text: str) -> int:
    """An amount of euros with at most two decimals, in cents."""
    if not _AMOUNT.fullmatch(text):
        raise ScalarError("is not an amount of money")
    return int(Decimal(text).quantize(_CENT).scaleb(2))


def tenths(value: Decimal) -> int:
    """A quantity in tenths of its unit, rounded half up as laboratories do."""
    return int(value.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP).scaleb(1))


def from_finnish_time(wall: datetime) -> datetime:
    """UTC of a Finnish wall-clock time that came without a zone.

    Summer time lasts from the last Sunday of March to the last Sunday of October, 01:00 UTC
    (Directive 2000/84/EC). The doubled hour of October is taken as its first pass, and nothing
    depends on the time zone files of the machine.
    """
    summer = wall.replace(tzinfo=UTC) - timedelta(hours=3)
    return summer if _is_summer(summer) else summer + timedelta(hours=1)


def _is_summer(instant: datetime) -> bool:
    start, end = (_last_sunday(instant.year, month) for month in (3, 10))
    return start <= instant < end


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _microseconds(text: str, fraction: str | None) -> str:
    """Six digits at most, since Python keeps no more."""
    return text if fraction is None else text.replace(fraction, fraction[:7].ljust(7, "0"), 1)
