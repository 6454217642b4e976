"""Which checkpoints are to be stamped by an authority outside, and what was stamped.

An hour apart while the log grows, a day apart while it does not. A later token also makes the
earlier ones last: the log that it is about holds all that they are about, and of a log that was
closed the first entry of the next one holds the end. So no old checkpoint is ever stamped again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit.store import timestamping as store
from audit.store import tree as tree_store
from audit.store.timestamping import TimestampRow
from audit.unit_of_work import Ledger

GROWN = timedelta(hours=1)
"""How long after its last stamp a log that has grown is stamped again."""
STILL = timedelta(days=1)
"""And one that has not."""
GRACE = timedelta(hours=1)
"""How long an authority may be unreachable before it is an alarm."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """A checkpoint that an authority has stamped, and at what time by its clock."""

    log: str
    size: int
    tsa: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ToStamp:
    """The exact note of a checkpoint that is due."""

    log: str
    size: int
    note: bytes


def due(connection: Connection, tsa: str, now: datetime) -> list[ToStamp]:
    """What the authority is to be asked about now: the newest log, and the end of the one before
    it if that was not stamped while it was the newest."""
    logs = tree_store.logs(connection)[-2:]
    found = []
    for log in logs:
        row = tree_store.last_checkpoint(connection, log)
        if row is not None and _is_due(connection, row, tsa, now, closed=log != logs[-1]):
            found.append(ToStamp(row.log, row.size, row.note))
    return found


def keep(ledger: Ledger, stamped: Stamped, token: bytes) -> None:
    """Keep a token as it came; it was verified before."""
    row = TimestampRow(stamped.log, stamped.size, stamped.tsa, stamped.at)
    with ledger.writer.unaccounted_transaction() as connection:
        store.insert_timestamp(connection, row, token)


def last_timestamp(connection: Connection, *, tsa: str | None = None) -> Stamped | None:
    """The last time stamp of the newest log that has one; by any authority, or by this one."""
    for log in reversed(tree_store.logs(connection)):
        row = store.last_timestamp(connection, log=log, tsa=tsa)
        if row is not None:
            return _stamped(row)
    return None


def timestamps(
    connection: Connection, log: str, *, after: int = 0, limit: int = 100
) -> list[Stamped]:
    """The stamps of a log: for each size and authority the first one, smallest size first.

    All stamps of a size stand together: of a size that would be cut in two at the end, nothing is
    given, so that `after` goes on from the last size given.
    """
    rows = store.timestamps(connection, log, after=after, limit=limit + 1)
    if len(rows) > limit:
        rows = [row for row in rows if row.size != rows[-1].size]
    return [_stamped(row) for row in rows]


def token(connection: Connection, log: str, size: int, tsa: str) -> bytes | None:
    """The first token of an authority for the checkpoint of that size, as it came."""
    return store.token_of(connection, log, size, tsa)


def problem(connection: Connection, authorities: Sequence[str], now: datetime) -> str | None:
    """What is wrong, as a code for alarm and metrics; None when all is well."""
    newest = tree_store.last_checkpoint(connection)
    if newest is None:
        return None
    since = (_due_since(connection, newest, tsa) for tsa in authorities)
    late = any(now - moment > GRACE for moment in since)
    return "timestamp-late" if late else None


def _due_since(connection: Connection, newest: tree_store.CheckpointRow, tsa: str) -> datetime:
    last = last_timestamp(connection, tsa=tsa)
    if last is not None and (last.log, last.size) == (newest.log, newest.size):
        return last.at + STILL
    after = last.size if last is not None and last.log == newest.log else 0
    first = tree_store.checkpoints_after(connection, newest.log, after, 1)[0]
    return first.at if last is None else max(first.at, last.at + GROWN)


def _is_due(
    connection: Connection, row: tree_store.CheckpointRow, tsa: str, now: datetime, *, closed: bool
) -> bool:
    last = store.last_timestamp(connection, log=row.log, tsa=tsa)
    if last is None:
        return True
    if closed:
        return last.size != row.size
    return now - last.at >= (GROWN if last.size != row.size else STILL)


def _stamped(row: TimestampRow) -> Stamped:
    return Stamped(row.log, row.size, row.tsa, row.at)
