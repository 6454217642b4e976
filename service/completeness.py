"""Whether the log is complete, asked for this installation: all rooms' effects, and the guards.

Each check is itself an event, `log.checked`, with its result; so the operator's page and the
metrics know when the last one was and what it said, whoever made it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

import structlog
from sqlalchemy import Connection

from audit.check_report import Gap, Report, with_findings
from audit.completeness import alone, broken_promises, check, never
from audit.model import SYSTEM, Actor, Event, Kind
from audit.promise import Promise
from audit.reader import first_entry_at, search
from audit.unit_of_work import Ledger, begin
from service.effects import EVERY_ROOM
from service.jobs import Job
from service.migrations import guards

FRESH = timedelta(hours=36)
"""A nightly check that is older than this has failed at least once."""
NIGHT_HOUR = 1
"""UTC: when the service is least used."""
PAUSE_SECONDS = 0.01
"""Between two pages, so that requests go first."""

_log = structlog.get_logger(__name__)


class Result(StrEnum):
    """What a check came to; the reason code of its event."""

    COMPLETE = "log-complete"
    GAPS = "log-has-gaps"
    STOPPED = "log-check-stopped"
    """Only a part was read, without a gap in it."""


@dataclass(frozen=True, slots=True)
class LastCheck:
    """The newest check that the log tells of."""

    at: datetime
    result: Result

    def is_good(self, now: datetime) -> bool:
        """It found no gap, and is not older than it may be."""
        return self.result is not Result.GAPS and self.is_fresh(now)

    def is_fresh(self, now: datetime) -> bool:
        """It is not older than a nightly one can be."""
        return now - self.at <= FRESH


def check_installation(
    ledger: Ledger,
    *,
    actor: Actor,
    now: datetime,
    cursor: str | None = None,
    stop: Callable[[], bool] = never,
    promises: Sequence[Promise] = (),
) -> Report:
    """Check, and record the result. Raises CursorError.

    What goes on from a cursor is a part too, also when it comes to the end: of the rest it knows
    nothing, and that may have had gaps.
    """
    report = check(ledger, EVERY_ROOM, now=now, cursor=cursor, stop=stop)
    with ledger.read() as connection:
        weak = [f"{each.guard.name} is {each.fault}" for each in guards.weak(connection)]
    report = with_findings(report, Gap.GUARD_WEAK, weak)
    broken = broken_promises(ledger, promises, now=now)
    report = with_findings(report, Gap.PROMISE_BROKEN, broken)
    result = result_of(report, whole=cursor is None and report.cursor is None)
    digest = sha256(report.content).hexdigest()
    with begin(ledger, actor=actor, now=now) as uow:
        uow.record(Event(kind=Kind.LOG_CHECKED, reason=result, digest=digest))
    return report


def result_of(report: Report, *, whole: bool) -> Result:
    """The one word for a report."""
    if not report.ok:
        return Result.GAPS
    return Result.COMPLETE if whole else Result.STOPPED


def last_check(connection: Connection, ledger: Ledger) -> LastCheck | None:
    """The newest check, None before the first one."""
    found = search(connection, ledger, kind=Kind.LOG_CHECKED, limit=1)
    if not found:
        return None
    return LastCheck(found[0].at, Result(found[0].get("reason") or Result.STOPPED))


class CompletenessJob(Job):
    """Checks once each night, in one of the processes that serve."""

    name = "completeness"
    interval_seconds = 60.0

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def run_once(self, now: datetime) -> Report | None:
        """Check, if none has since this night; what does not fit, the operator's log says."""
        with alone(self._ledger) as ours:
            if not ours or not self._is_due(now):
                return None
            report = check_installation(self._ledger, actor=SYSTEM, now=now, stop=self._waits)
        result = result_of(report, whole=report.cursor is None)
        tell = _log.error if result is Result.GAPS else _log.info
        counts = {gap.value: number for gap, number in report.counts.items()}
        tell("log-checked", result=result.value, rows=report.rows, gaps=counts)
        return report

    def _waits(self) -> bool:
        return self._stop.wait(PAUSE_SECONDS)

    def _is_due(self, now: datetime) -> bool:
        with self._ledger.read() as connection:
            last = last_check(connection, self._ledger)
            begun = first_entry_at(connection)
        if last is not None and last.result is Result.STOPPED:
            return True
        since = begun if last is None else last.at
        return since is not None and since < _last_night(now)


def _last_night(now: datetime) -> datetime:
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return night if night <= now else night - timedelta(days=1)
