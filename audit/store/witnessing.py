"""SQL on what others have signed of our checkpoints, and on logs that were begun anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, insert, select

from audit.store.tables import cosignature, log_start


@dataclass(frozen=True, slots=True)
class CosignatureRow:
    """A witness's line under one of our checkpoints."""

    log: str
    size: int
    witness: str
    at: datetime
    line: bytes


@dataclass(frozen=True, slots=True)
class LogStartRow:
    """A log that was begun anew, and the note of the checkpoint that it goes on from."""

    log: str
    previous: bytes
    at: datetime


def insert_cosignatures(connection: Connection, rows: Sequence[CosignatureRow]) -> None:
    """Insert lines; of two that one key made in one second the first one stays."""
    for row in rows:
        there = {(each.witness, each.at) for each in cosignatures(connection, row.log, row.size)}
        if (row.witness, row.at) not in there:
            values = {
                "log": row.log,
                "size": row.size,
                "witness": row.witness,
                "at": row.at,
                "line": row.line,
            }
            connection.execute(insert(cosignature).values(values))


def cosignatures(connection: Connection, log: str, size: int) -> list[CosignatureRow]:
    """The lines under one checkpoint, of each witness the oldest first."""
    query = (
        select(cosignature)
        .where(cosignature.c.log == log, cosignature.c.size == size)
        .order_by(cosignature.c.witness, cosignature.c.at)
    )
    return [
        CosignatureRow(row.log, row.size, row.witness, row.at, row.line)
        for row in connection.execute(query)
    ]


def cosigned_sizes(connection: Connection, log: str, *, limit: int = 50) -> list[int]:
    """The largest sizes that any witness has cosigned, largest first."""
    query = (
        select(cosignature.c.size)
        .where(cosignature.c.log == log)
        .distinct()
        .order_by(cosignature.c.size.desc())
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def insert_log_start(connection: Connection, row: LogStartRow, event_id: UUID) -> None:
    """Insert a log; a second one of the same name is refused by the key."""
    values = {"log": row.log, "previous": row.previous, "at": row.at, "event_id": event_id}
    connection.execute(insert(log_start).values(values))


def log_starts(connection: Connection) -> list[LogStartRow]:
    """All logs that were begun anew, oldest first."""
    query = select(log_start).order_by(log_start.c.log)
    return [LogStartRow(row.log, row.previous, row.at) for row in connection.execute(query)]
