"""SQL of the checker: what it reads again, and how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select

from audit.store.tables import check, checkpoint, event, tile
from audit.store.tree import CheckpointRow, among, places

_LOCK = "consent-vault/checks/"


@dataclass(frozen=True, slots=True)
class LeafEvent:
    """A leaf, and the event of its row number; the latter's fields are None when it is gone."""

    index: int
    leaf_hash: bytes
    number: int | None
    event_id: UUID | None
    commitment: bytes | None
    digests: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRow:
    """How far one of the checker's tasks has come in one log."""

    log: str
    task: str
    position: int
    at: datetime
    passed_at: datetime | None
    damage: str | None
    bad_index: int | None
    bad_number: int | None


def leaf_events(connection: Connection, log: str, start: int, end: int) -> list[LeafEvent]:
    """Leaves [start, end) with their events, in order; the numbers first (audit.store.tree)."""
    leaves = places(connection, log, start, end)
    numbers = [number for _, _, number in leaves if number is not None]
    columns = (event.c.number, event.c.event_id, event.c.commitment, event.c.digests)
    rows = connection.execute(
        select(*columns).where(among(connection, event.c.number, numbers))
    ).all()
    events: dict[int | None, tuple[Any, ...]] = {}
    events |= {row.number: (row.event_id, row.commitment, row.digests) for row in rows}
    nothing = (None, None, None)
    return [
        LeafEvent(
            index, hashed, number, *(nothing if number is None else events.get(number, nothing))
        )
        for index, hashed, number in leaves
    ]


def tile_roots(connection: Connection, log: str, level: int, start: int, end: int) -> list[bytes]:
    """The roots of full tiles [start, end) of a level, in order; those that are there."""
    query = select(tile.c.root).where(
        tile.c.log == log, tile.c.level == level, tile.c.position >= start, tile.c.position < end
    )
    return list(connection.execute(query.order_by(tile.c.position)).scalars())


def checkpoint_from(connection: Connection, log: str, size: int) -> CheckpointRow | None:
    """The first checkpoint of the log with that size or a larger one."""
    query = select(checkpoint).where(checkpoint.c.log == log, checkpoint.c.size >= size)
    row = connection.execute(query.order_by(checkpoint.c.size).limit(1)).one_or_none()
    return None if row is None else CheckpointRow(row.log, row.size, row.root, row.at, row.note)


def checks(connection: Connection) -> list[CheckRow]:
    """How far each task has come."""
    columns = [check.c[name] for name in CheckRow.__slots__]
    rows = connection.execute(select(*columns).order_by(check.c.log, check.c.task))
    return [CheckRow(**row) for row in rows.mappings()]


def set_check(connection: Connection, row: CheckRow) -> None:
    """Put a row in the place of the one before it."""
    connection.execute(delete(check).where(check.c.log == row.log, check.c.task == row.task))
    values = {name: getattr(row, name) for name in CheckRow.__slots__}
    connection.execute(insert(check).values(values))


def lock_checks(connection: Connection) -> None:
    """Queue those who write here until the transaction ends: two workers may check at once."""
    if connection.dialect.name != "sqlite":
        name = func.concat(_LOCK, func.current_schema())
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
