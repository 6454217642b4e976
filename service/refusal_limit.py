"""How many refusals are written down one by one: a bound on how a stranger can make the log grow.

Who has proven nothing can still be refused, and each refusal is an event. Above so many in a
minute they are counted, and the count is one event when the minute is over. The first that is not
written by itself leaves an event at once, so that not even a crash hides that there were more.

Several workers on one machine have one bound together: they count in a table that they share.
"""

import hmac
import threading
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Generic, TypeVar

from service.shared_numbers import SharedNumbers

Key = TypeVar("Key", bound=Hashable)

WINDOW = timedelta(minutes=1)
RETRY_AFTER = str(int(WINDOW.total_seconds()))
"""Of the header (RFC 9110 section 10.2.3) that goes with a 429 (RFC 6585 section 4)."""
TOO_MANY = "too-many"
"""Reason of the event which says that more were refused than are written one by one."""
COUNTED = "counted"
"""Reason of the event that stands for as many refusals as its reference says."""
_MOST_KEYS = 10_000


class Written(Enum):
    """How a refusal is written down."""

    BY_ITSELF = "by itself"
    AS_FIRST_OF_MORE = "as the first of more"
    IN_THE_COUNT = "in the count"


@dataclass(slots=True)
class _Minute:
    began: datetime
    number: int = 0
    only_counted: int = 0


CountTogether = Callable[[Hashable, datetime], int]
"""Counts one more of a key among all workers, and gives which one of the minute it was."""


def counting_together(numbers: SharedNumbers, secret: bytes, label: str) -> CountTogether:
    """Keys are kept as keyed hashes: they may be the network addresses of people."""

    def count(key: Hashable, now: datetime) -> int:
        name = hmac.digest(secret, f"consent-vault/{label}/1\x00{key!r}".encode(), "sha256").hex()
        return numbers.add(name.encode(), at=now.timestamp(), lasts=WINDOW.total_seconds())

    return count


class RefusalLimit(Generic[Key]):
    """Counts refusals by key, in this process or together with the other workers."""

    def __init__(self, most: int, *, others: Key, together: CountTogether | None = None) -> None:
        self._most = most
        self._together = together
        self._others = others  # stands for all that do not fit into memory
        self._minutes: dict[Key, _Minute] = {}
        self._ended: list[tuple[Key, int]] = []
        self._lock = threading.Lock()

    def note(self, key: Key, now: datetime) -> Written:
        """Count one refusal and tell how to write it down."""
        with self._lock:
            minute = self._minute(key, now)
            minute.number = self._number(key, now, minute)
            over = minute.number - self._most
            if over > 1:
                minute.only_counted += 1
        if over <= 0:
            return Written.BY_ITSELF
        return Written.AS_FIRST_OF_MORE if over == 1 else Written.IN_THE_COUNT

    def take(self, now: datetime | None) -> list[tuple[Key, int]]:
        """What was only counted in minutes that are over by now; without a time, in all."""
        with self._lock:
            for key in [key for key, minute in self._minutes.items() if _is_over(minute, now)]:
                self._end(key)
            taken, self._ended = self._ended, []
        return taken

    def give_back(self, taken: Iterable[tuple[Key, int]]) -> None:
        """What was taken and could not be written down: it is taken again next time."""
        with self._lock:
            self._ended.extend(taken)

    def _number(self, key: Key, now: datetime, minute: _Minute) -> int:
        if self._together is None or minute.number > self._most:
            return minute.number + 1
        return self._together(key, now)

    def _minute(self, key: Key, now: datetime) -> _Minute:
        if key not in self._minutes and len(self._minutes) >= _MOST_KEYS:
            key = self._others
        found = self._minutes.get(key)
        if found is not None and _is_over(found, now):
            self._end(key)
        return self._minutes.setdefault(key, _Minute(now))

    def _end(self, key: Key) -> None:
        only_counted = self._minutes.pop(key).only_counted
        if only_counted > 0:
            self._ended.append((key, only_counted))


def _is_over(minute: _Minute, now: datetime | None) -> bool:
    # A clock that went back ends the minute too: nobody is held for longer than it lasts.
    return now is None or not minute.began <= now < minute.began + WINDOW
