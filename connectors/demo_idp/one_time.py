"""Things that are used once and live shortly: codes, tickets, pending requests, assertion ids.

In memory and for one process: the demo provider forgets everything when it stops. Taking is
atomic, so of two programs that come with the same code one gets it.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
Clock = Callable[[], datetime]

LIMIT = 10_000
"""More than this many at once is no demo; the oldest go first."""


class OneTimeStore(Generic[T]):
    """Values under unguessable names, each for `lifetime` and until it is taken."""

    def __init__(self, lifetime: timedelta, clock: Clock) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._held: OrderedDict[str, tuple[datetime, T]] = OrderedDict()
        self._lock = Lock()

    def put(self, value: T) -> str:
        """Keep the value; the name under which it can be taken."""
        name = secrets.token_urlsafe(32)
        self.put_as(name, value)
        return name

    def put_as(self, name: str, value: T) -> bool:
        """Keep the value under this name; False when the name is held already."""
        now = self._clock()
        with self._lock:
            self._forget_ended(now)
            if name in self._held:
                return False
            self._held[name] = (now + self._lifetime, value)
            return True

    def look(self, name: str) -> T | None:
        """The value, which stays."""
        with self._lock:
            return self._living(self._held.get(name))

    def take(self, name: str) -> T | None:
        """The value, to nobody but the first who asks."""
        with self._lock:
            return self._living(self._held.pop(name, None))

    def _living(self, held: tuple[datetime, T] | None) -> T | None:
        if held is None or held[0] <= self._clock():
            return None
        return held[1]

    def _forget_ended(self, now: datetime) -> None:
        # Every value lives equally long, so the ended ones stand first, as the oldest do.
        while self._held:
            name, (end, _) = next(iter(self._held.items()))
            if end > now and len(self._held) < LIMIT:
                return
            del self._held[name]
