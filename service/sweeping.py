"""Sessions, sign-ins, used forms and old notices are deleted when their time is over.

They tell when a person was here, and nothing needs them any more; what has to be known of a sign-in
stands in the log. Notices of an erasure name her to those who have got her data, and no longer than
they can be read. That they went is an event about nobody, which counts them.
"""

from datetime import datetime, timedelta

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.notices import forget_old
from service.forms import LIFETIME as FORM_LIFETIME
from service.jobs import Job
from service.store.sweeping import BATCH, sweep

SESSION_KEPT = timedelta(days=1)
"""After a session's end: whoever comes back with its cookie is told that it ended."""


class SweepingJob(Job):
    """Deletes what is over, once an hour."""

    name = "sweeping"
    interval_seconds = 3600.0

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self._ledger = ledger

    def run_once(self, now: datetime) -> int:
        """Delete what is over by now and give how many rows that were."""
        total = 0
        while gone := self._batch(now):
            total += sum(gone.values())
            if max(gone.values()) < BATCH:
                break
        return total

    def _batch(self, now: datetime) -> dict[str, int]:
        """What went, without what was not there: with nothing there is no event."""
        with begin(self._ledger, actor=SYSTEM, now=now) as uow:
            gone = sweep(uow.connection, now, sessions_kept=SESSION_KEPT, forms_kept=FORM_LIFETIME)
            gone["notices"] = forget_old(uow, limit=BATCH)
            gone = {name: number for name, number in gone.items() if number}
            if gone:
                counts = " ".join(f"{name}={number}" for name, number in gone.items())
                uow.record(Event(kind=Kind.ROWS_SWEPT, reference=counts))
        return gone
