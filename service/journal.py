"""The journal of erasures and ended consents, as an installation keeps it (audit.outside_journal).

A withdrawal does not wait for it, so what could not be written there is written by a job, and the
operator's log says so as long as it cannot.
"""

from datetime import datetime

import structlog

from audit.late import catch_up
from audit.outside_journal import JournalError, OutsideJournal
from audit.unit_of_work import Ledger
from service.jobs import Job
from service.settings import Settings
from vault.providers.file import KeyFolder

NAME = "erasures.journal"

_log = structlog.get_logger(__name__)


def open_journal(settings: Settings, keys: KeyFolder) -> OutsideJournal:
    """The journal at its place in the settings, or beside the keys."""
    path = settings.journal or settings.data_folder / NAME
    return OutsideJournal(path, keys.secret("outside-journal"))


class JournalJob(Job):
    """Writes what had to wait because the journal could not be written."""

    name = "journal"
    interval_seconds = 5.0

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def run_once(self, now: datetime) -> int:
        """How many entries were written; that it cannot be done, the operator's log says."""
        try:
            return catch_up(self._ledger, now=now)
        except JournalError as error:
            _log.error("journal-not-written", path=str(error.path))
            return 0
