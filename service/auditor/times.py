"""Times in an auditor's question: Finnish days on the page, moments in UTC for programs."""

import re
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta

from service.formats import ZONE

_A_DAY = timedelta(days=1)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


def start_of_day(text: str) -> datetime | None:
    """The first moment of a Finnish day."""
    day = _day(text)
    return None if day is None else _start(day)


def end_of_day(text: str) -> datetime | None:
    """The first moment after a Finnish day."""
    day = _day(text)
    return None if day is None else _start(day + _A_DAY)


def moment(text: str) -> datetime | None:
    """A moment in UTC (RFC 3339)."""
    return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None


def _day(text: str) -> date | None:
    """A day as a date field sends it, or None.

    The first and the last year of the calendar are none: a moment in another zone would lie
    outside of it.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if text == day.isoformat() and MINYEAR < day.year < MAXYEAR else None


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE).astimezone(UTC)
