"""From which index on a log stands here, as far as that can be believed.

Whoever sets a high minimum index could hide behind it what he took out of the log. So it counts
only as the log itself tells of it: the row names its event, and that event, opened and held
against its commitment, says the same.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from audit.model import Kind
from audit.reader import entry
from audit.seal import SealedEventError
from audit.store.completeness import MinimumRow, first_time_after_archive, minimum_rows
from audit.unit_of_work import Ledger
from policies.ids import EventId


def believed_minimum(connection: Connection, ledger: Ledger, log: str) -> int:
    """The highest minimum index of the log that its own events tell of, 0 where none does."""
    rows = minimum_rows(connection)
    if not any(row.log == log for row in rows):
        return 0
    believed = _believed(connection, ledger, rows)
    return max((row.minimum_index for row in believed if row.log == log), default=0)


def _believed(
    connection: Connection, ledger: Ledger, rows: Sequence[MinimumRow]
) -> Iterator[MinimumRow]:
    """Those whose event says so; and those whose event is archived itself by now, of which a
    later event tells."""
    until, last = first_time_after_archive(connection), None
    for row in sorted(rows, key=lambda each: each.at, reverse=True):
        told = _told(connection, ledger, row)
        if told:
            last = last or row.at
        if told or (told is None and until and last and row.at < min(until, last)):
            yield row


def _told(connection: Connection, ledger: Ledger, row: MinimumRow) -> bool | None:
    """Whether the row's event says what the row says; None where the event is not here."""
    try:
        told = entry(connection, ledger, EventId(row.event_id))
    except SealedEventError:
        return False
    if told is None:
        return None
    reference = f"{row.log}:{row.minimum_index}"
    return (told.get("kind"), told.get("reference")) == (Kind.LOG_PRUNED.value, reference)
