"""Keeping so many workers running, from the first process of `serve --workers`.

At the first start a worker that cannot start ends all: what is wrong is wrong for each of them, and
the operator stands by. Once all have served, what keeps one from starting may pass (a database that
does not answer for a while), and the others go on serving: so it is tried again, in growing
distances.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

NOT_STARTED = 3
"""Exit code of a worker that cannot start."""
LOOK_SECONDS = 0.5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0, 30.0

_log = structlog.get_logger(__name__)


class Process(Protocol):
    """What is asked of a worker's process."""

    @property
    def exitcode(self) -> int | None: ...

    def terminate(self) -> None: ...

    def join(self) -> None: ...


class Flag(Protocol):
    """Set by the worker once it serves."""

    def is_set(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that serves, or is about to."""

    process: Process
    serves: Flag


Start = Callable[[], Worker]


@dataclass(slots=True)
class _Place:
    """Where one worker after the other runs."""

    worker: Worker
    pause: float = field(default=_FIRST_PAUSE)
    """How long the next start waits: longer each time that one could not start."""
    due_at: float | None = None

    def look(self, start: Start, now: float) -> None:
        """Start a new worker in the place of one that has died, at once or when it is due."""
        if self.worker.process.exitcode is None:
            return
        if self.due_at is None:
            self._note_death(now)
        if self.due_at is not None and now >= self.due_at:
            self.worker, self.due_at = start(), None

    def _note_death(self, now: float) -> None:
        code = self.worker.process.exitcode
        served = self.worker.serves.is_set()
        self.pause = _FIRST_PAUSE if served else min(2 * self.pause + LOOK_SECONDS, _LONGEST_PAUSE)
        self.due_at = now + self.pause
        _log.error("worker-died", exit_code=code, served=served, next_start_in=self.pause)


def supervise(
    start: Start,
    workers: int,
    stopping: threading.Event,
    *,
    look_seconds: float = LOOK_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Keep so many workers until it is to stop; False when one could not start at the beginning."""
    places = [_Place(start()) for _ in range(workers)]
    begun = could_not = False
    while not could_not and not stopping.wait(look_seconds):
        begun = begun or all(each.worker.serves.is_set() for each in places)
        could_not = not begun and any(_could_not_start(each.worker) for each in places)
        for each in () if could_not else places:
            each.look(start, clock())
    for each in places:
        each.worker.process.terminate()
    for each in places:
        each.worker.process.join()
    return begun or not any(_could_not_start(each.worker) for each in places)


def _could_not_start(worker: Worker) -> bool:
    return worker.process.exitcode == NOT_STARTED and not worker.serves.is_set()
