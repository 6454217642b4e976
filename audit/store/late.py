"""SQL on entries that wait to be written into the journal outside the database."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, delete, func, insert, select

from audit.store.tables import journal_late as table


def add(connection: Connection, entries: Sequence[str], *, at: datetime) -> None:
    rows = [{"late_id": uuid4(), "entry": entry, "at": at} for entry in entries]
    connection.execute(insert(table), rows)


def take(connection: Connection, *, limit: int) -> list[tuple[UUID, str]]:
    """The oldest, locked; those that another process writes now are left to it."""
    query = select(table.c.late_id, table.c.entry).order_by(table.c.at, table.c.late_id)
    rows = connection.execute(query.limit(limit).with_for_update(skip_locked=True))
    return [(row.late_id, row.entry) for row in rows]


def remove(connection: Connection, late: Collection[UUID]) -> None:
    connection.execute(delete(table).where(table.c.late_id.in_(late)))


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()
