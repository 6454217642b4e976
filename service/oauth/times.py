"""Claims that are times (RFC 7519 section 2, NumericDate), with FAPI 2.0's tolerance.

FAPI 2.0 Security Profile section 5.3.2.1 point 13: up to 10 s ahead must be accepted, more than
60 s must be refused. We accept up to the limit, since clocks differ.
"""

from datetime import datetime, timedelta

AHEAD = timedelta(seconds=60)


def seconds_of(value: object) -> float | None:
    """The claim as seconds since 1970; None when it is not a time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 2**53 else None


def is_ahead(seconds: float, now: datetime) -> bool:
    """True when the time is so far ahead that it must be refused."""
    return seconds > now.timestamp() + AHEAD.total_seconds()
