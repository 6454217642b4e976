"""Log keys of years whose retention has ended are destroyed, without anybody's order."""

from datetime import datetime

from audit.erasure import destroy_ended_years
from audit.model import SYSTEM
from audit.unit_of_work import Ledger
from service.jobs import Job


class LogRetentionJob(Job):
    """Destroys them soon after the end of the last year in which they had to be kept.

    Without a retention period nothing is destroyed.
    """

    name = "log-retention"
    interval_seconds = 3600.0

    def __init__(self, ledger: Ledger, years: int | None) -> None:
        super().__init__()
        self._ledger = ledger
        self._years = years

    def run_once(self, now: datetime) -> int:
        """Destroy what is due by now and give how many keys that were."""
        if self._years is None:
            return 0
        before = now.year - self._years
        return destroy_ended_years(self._ledger, before=before, actor=SYSTEM, now=now)
