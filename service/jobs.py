"""Work that time brings: consents reach their end, and the log is read again.

Nothing that matters waits for it: fetches look at the clock themselves, and whoever verifies reads
the log without us. Each job writes down what is true already, and may safely run twice.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Protocol

import structlog
from sqlalchemy import Engine

from audit.health import LogChecker
from audit.leadership import Leadership
from audit.model import SYSTEM
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.choices import expire_due
from consent.controlling import pass_control
from consent.following import follow_declarations
from consent.notice_changes import tell_active

BATCH = 100

_log = structlog.get_logger(__name__)


class Job(ABC):
    """Does its work again and again in a thread of this process."""

    name: ClassVar[str]
    interval_seconds: ClassVar[float]

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def run_once(self, now: datetime) -> object:
        """Do what is due by now."""

    def start(self, clock: Callable[[], datetime], lead: "Lead | None" = None) -> None:
        """Run until `stop`; with a lead, work only while this process has it."""
        if self._thread is not None:
            raise RuntimeError("the job runs already")
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._run, args=(clock, lead), name=self.name, daemon=True
        )
        self._thread.start()

    def end_soon(self) -> None:
        """Begin no further piece; `stop` waits for the one in hand."""
        self._stop.set()

    def stop(self) -> None:
        """Let the piece in hand end, then stop."""
        if self._thread is not None:
            self.end_soon()
            self._thread.join()
            self._thread = None

    def _run(self, clock: Callable[[], datetime], lead: "Lead | None") -> None:
        while not self._stop.wait(self.interval_seconds):
            try:
                if lead is None or lead.taken():
                    self.run_once(clock())
            except Exception as error:  # noqa: BLE001  # or the job would end here unseen
                # Only the class: the text of a database error may quote parameters.
                _log.error(f"{self.name}-failed", error=type(error).__name__)


class Lead:
    """Which process does the jobs: one of all that serve one database, the others stand by."""

    def __init__(self, engine: Engine) -> None:
        self._leadership = Leadership(engine, "jobs")
        self._lock = threading.Lock()

    def taken(self) -> bool:
        """True when this process does them. Raises SQLAlchemyError."""
        with self._lock:
            return self._leadership.taken()

    def give_up(self) -> None:
        """Let another one do them."""
        with self._lock:
            self._leadership.give_up()


class PieceOfWork(Protocol):
    """Changes so many consents at most, and says how many."""

    def __call__(self, uow: UnitOfWork, *, limit: int) -> int: ...


_WORK: tuple[PieceOfWork, ...] = (expire_due, follow_declarations, pass_control, tell_active)


class ExpiryJob(Job):
    """Writes down what time has brought: ends, coming of age, new notices, and purposes
    that count no more."""

    name = "expiry"
    interval_seconds = 30.0

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def run_once(self, now: datetime) -> int:
        """Do what is due by now and give how many consents that changed."""
        return sum(self._all_due(each, now) for each in _WORK)

    def _all_due(self, work: "PieceOfWork", now: datetime) -> int:
        done = BATCH
        total = 0
        while done == BATCH:
            with begin(self._ledger, actor=SYSTEM, now=now) as uow:
                done = work(uow, limit=BATCH)
            total += done
        return total


class LogCheckJob(Job):
    """Reads the log again, a piece at a time (audit.health)."""

    name = "log-check"
    interval_seconds = 5.0

    def __init__(self, checker: LogChecker) -> None:
        super().__init__()
        self._checker = checker

    def run_once(self, now: datetime) -> bool:
        """True when what was read is good; what is not, the operator's log says each time."""
        fault = self._checker.run_once(now)
        if fault is not None:
            _log.error("log-damaged", damage=fault.damage.value, index=fault.index)
        return fault is None
