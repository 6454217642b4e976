"""The bound on refusals that are written one by one: pure counting, minute by minute."""

from datetime import UTC, datetime, timedelta

import pytest

from service import refusal_limit
from service.refusal_limit import WINDOW, RefusalLimit, Written

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def noted(limit: RefusalLimit[str], times: int, key: str = "a", at: datetime = NOW) -> list[str]:
    return [limit.note(key, at).name for _ in range(times)]


def test_the_first_are_written_by_themselves_and_the_rest_counted() -> None:
    limit = RefusalLimit(2, others="others")
    assert noted(limit, 5) == [
        *["BY_ITSELF"] * 2,
        "AS_FIRST_OF_MORE",
        *["IN_THE_COUNT"] * 2,
    ]
    assert limit.take(NOW) == []
    assert limit.take(NOW + WINDOW) == [("a", 2)]
    assert limit.take(NOW + WINDOW) == []


def test_each_key_and_each_minute_begins_anew() -> None:
    limit = RefusalLimit(1, others="others")
    noted(limit, 3)
    assert limit.note("b", NOW) is Written.BY_ITSELF
    assert limit.note("a", NOW + WINDOW) is Written.BY_ITSELF
    assert limit.take(NOW + WINDOW) == [("a", 1)]


def test_at_the_end_everything_is_taken() -> None:
    limit = RefusalLimit(1, others="others")
    noted(limit, 4)
    assert limit.take(None) == [("a", 2)]


def test_what_could_not_be_written_is_taken_again() -> None:
    limit = RefusalLimit(1, others="others")
    noted(limit, 4)
    limit.give_back(limit.take(None))
    assert limit.take(NOW) == [("a", 2)]


def test_a_clock_that_went_back_holds_nobody() -> None:
    limit = RefusalLimit(1, others="others")
    noted(limit, 3)
    assert limit.note("a", NOW - timedelta(hours=1)) is Written.BY_ITSELF


def test_more_keys_than_memory_holds_share_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal_limit, "_MOST_KEYS", 2)
    limit = RefusalLimit(1, others="others")
    for key in ("a", "b", "c", "d", "e"):
        limit.note(key, NOW)
    assert limit.take(None) == [("others", 1)]
