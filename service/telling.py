"""Tells those who got a value while its dispute began or ended, or while it was erased, a little
later (vault.telling, vault.telling_erasure)."""

from datetime import datetime
from typing import ClassVar

from audit.unit_of_work import Ledger
from policies.catalogue import Catalogue
from service.jobs import Job
from vault.telling import tell_stragglers
from vault.telling_erasure import tell_late


class TellingJob(Job):
    """Repeats the telling of disputes that have changed lately, and of erasures."""

    name: ClassVar[str] = "telling"
    interval_seconds: ClassVar[float] = 60.0

    def __init__(self, ledger: Ledger, catalogue: Catalogue) -> None:
        super().__init__()
        self._ledger = ledger
        self._catalogue = catalogue

    def run_once(self, now: datetime) -> int:
        """Give how many were still to be told."""
        told = tell_stragglers(self._ledger, self._catalogue, now)
        return told + tell_late(self._ledger, now)
