"""Entries that the journal outside the database has not got yet, because it could not be written.

Until they are there a restored backup would forget of what they tell, so a job tries again and
again, and the doctor tells how many wait.
"""

from datetime import datetime

from sqlalchemy import Connection

from audit.journal_line import JournalEntry
from audit.model import SYSTEM, Event, Kind
from audit.store import late as store
from audit.unit_of_work import Ledger, begin

BATCH = 500


def waiting(connection: Connection) -> int:
    """How many entries wait."""
    return store.count(connection)


def catch_up(ledger: Ledger, *, now: datetime) -> int:
    """Write what waits; gives how many that were. Raises JournalError.

    Should the commit fail after the journal was written, the entries come there a second time,
    which does no harm.
    """
    if ledger.journal is None:
        return 0
    with begin(ledger, actor=SYSTEM, now=now) as uow:
        late = store.take(uow.connection, limit=BATCH)
        if late:
            ledger.journal.append([JournalEntry.parse(entry) for _, entry in late])
            store.remove(uow.connection, [late_id for late_id, _ in late])
            uow.record(Event(kind=Kind.JOURNAL_LATE))
    return len(late)
