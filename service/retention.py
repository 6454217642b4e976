"""Data whose time is over is erased each night, and statements of erasures that were kept enough.

The first time soon after the start: a database may have come back from a backup, with data in it
that was over long ago.
"""

from datetime import date, datetime, timedelta

import structlog

from audit.model import SYSTEM, Event, Kind
from audit.scope import EVERYONE
from audit.traces import drop_traces
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from service.jobs import Job
from vault.erasure import KeyNotRenewedError
from vault.erasure_statement import sweep
from vault.retention import due, expire
from vault.vault import Vault

NIGHT_HOUR = 2
PAGE = 200

_log = structlog.get_logger(__name__)


class RetentionJob(Job):
    """Erases what is over, once in a night; stopped in the middle, it goes on where it was."""

    name = "retention"
    interval_seconds = 60.0

    def __init__(self, ledger: Ledger, vault: Vault) -> None:
        super().__init__()
        self._ledger = ledger
        self._vault = vault
        self._done: date | None = None

    def run_once(self, now: datetime) -> int:
        """Erase what is over by now, if this night has not seen it; of how many people."""
        night = (now - timedelta(hours=NIGHT_HOUR)).date()
        if self._done == night:
            return 0
        number = 0
        for person in self._due(now):
            if self._stop.is_set():
                return number
            number += self._expire(person, now)
        self._sweep(now)
        drop_traces(self._ledger.engine)
        self._done = night
        return number

    def _due(self, now: datetime) -> list[PersonId]:
        """Everybody of whom something may be over, so few that they fit: their ids only."""
        found: list[PersonId] = []
        page = self._page(now, None)
        while page:
            found += page
            page = self._page(now, page[-1])
        return found

    def _page(self, now: datetime, after: PersonId | None) -> list[PersonId]:
        with self._ledger.read(EVERYONE) as connection:
            return due(connection, self._vault, now=now, after=after, limit=PAGE)

    def _expire(self, person: PersonId, now: datetime) -> bool:
        try:
            with begin(self._ledger, actor=SYSTEM, now=now, about=person) as uow:
                return bool(expire(uow, self._vault, person))
        except KeyNotRenewedError:
            # The others are not kept longer for it. The check of what is sealed tells of whom.
            _log.error("retention-stopped-at-a-record")
            return False
        except Exception as error:  # noqa: BLE001  # whatever it is: the others do not wait for it
            _log.error("retention-stopped-at-a-person", error=type(error).__name__)
            return False

    def _sweep(self, now: datetime) -> None:
        with begin(self._ledger, actor=SYSTEM, now=now, about=EVERYONE) as uow:
            gone = sweep(uow.connection, now=now)
            if gone:
                uow.record(Event(kind=Kind.ROWS_SWEPT, reference=f"erasure-statements={gone}"))
