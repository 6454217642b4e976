"""What the journal outside the database is told by a unit of work, and what of it may wait.

An erasure that the journal does not know could be undone by a restored backup, and nobody would
notice: so it is refused while the journal cannot be written. A withdrawal is never refused for
that. It is a person's right at any time (GDPR article 7(3)), and data must not go on flowing
because a disk of ours is full: its entry waits in the database, is written as soon as it can be
(`audit.late`), and the operator hears of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.journal_line import JournalEntry
from audit.outside_journal import JournalError, OutsideJournal
from audit.store import late as store


@dataclass(frozen=True, slots=True)
class Outside:
    """An entry, and whether its change happens also when the journal cannot be written."""

    entry: JournalEntry
    may_be_late: bool


def tell(
    connection: Connection, journal: OutsideJournal, told: Sequence[Outside], *, now: datetime
) -> None:
    """Write the entries before the commit that they speak of; those that may wait, wait.

    Raises JournalError where one may not: then nothing is to be committed.
    """
    entries = [each.entry for each in told]
    try:
        journal.append(entries)
    except JournalError:
        if not all(each.may_be_late for each in told):
            raise
        store.add(connection, [str(each) for each in entries], at=now)
