"""SQL on the time stamps of checkpoints."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from audit.store.tables import timestamp


@dataclass(frozen=True, slots=True)
class TimestampRow:
    """One time stamp, without its token."""

    log: str
    size: int
    tsa: str
    at: datetime


def insert_timestamp(connection: Connection, row: TimestampRow, token: bytes) -> None:
    """Insert a stamp; of two that one authority made in one second the first one stays."""
    if token_of(connection, row.log, row.size, row.tsa, at=row.at) is not None:
        return
    values = {"log": row.log, "size": row.size, "tsa": row.tsa, "at": row.at, "token": token}
    connection.execute(insert(timestamp).values(values))


def timestamps(
    connection: Connection,
    log: str,
    *,
    after: int = 0,
    up_to: int | None = None,
    limit: int | None = None,
) -> list[TimestampRow]:
    """The first stamp of each size by each authority, smallest size first."""
    query = (
        select(timestamp.c.size, timestamp.c.tsa, func.min(timestamp.c.at))
        .where(timestamp.c.log == log, timestamp.c.size > after)
        .group_by(timestamp.c.size, timestamp.c.tsa)
        .order_by(timestamp.c.size, timestamp.c.tsa)
        .limit(limit)
    )
    if up_to is not None:
        query = query.where(timestamp.c.size <= up_to)
    return [TimestampRow(log, size, tsa, at) for size, tsa, at in connection.execute(query)]


def last_timestamp(connection: Connection, *, log: str, tsa: str | None) -> TimestampRow | None:
    """The stamp of the largest size in a log, of several the last one; by any authority or one."""
    query = (
        select(timestamp.c.size, timestamp.c.tsa, timestamp.c.at)
        .where(timestamp.c.log == log)
        .order_by(timestamp.c.size.desc(), timestamp.c.at.desc())
        .limit(1)
    )
    if tsa is not None:
        query = query.where(timestamp.c.tsa == tsa)
    row = connection.execute(query).one_or_none()
    return None if row is None else TimestampRow(log, row[0], row[1], row[2])


def token_of(
    connection: Connection, log: str, size: int, tsa: str, *, at: datetime | None = None
) -> bytes | None:
    """The token as it came: the first one, or the one of that time."""
    query = (
        select(timestamp.c.token)
        .where(timestamp.c.log == log, timestamp.c.size == size, timestamp.c.tsa == tsa)
        .order_by(timestamp.c.at)
        .limit(1)
    )
    if at is not None:
        query = query.where(timestamp.c.at == at)
    return connection.execute(query).scalar_one_or_none()
