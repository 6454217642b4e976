"""SQL for a person's chain: which events stand in it, and how far it has come."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, Table, select, true, union_all

from audit.store.tables import about, acted, head


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a chain, and its head, as they were at one moment."""

    numbers: list[int]
    """Row numbers of its events, newest first."""
    head: tuple[int, bytes] | None
    """Number and commitment of the newest event in the whole chain."""


def stretch(connection: Connection, person: UUID, *, before: int | None, limit: int) -> Stretch:
    """The newest events in the chain, or the newest with row numbers below `before`.

    One statement, so that no event can come between the events and the head.
    """
    both = union_all(*(_of(table, person, before, limit) for table in (about, acted))).subquery()
    numbers = select(both.c.number).order_by(both.c.number.desc()).limit(limit).subquery()
    one = select(true().label("one")).subquery()
    rows = connection.execute(
        select(numbers.c.number, head.c.n, head.c.last)
        .select_from(one)
        .outerjoin(head, head.c.person_id == person)
        .outerjoin(numbers, true())
        .order_by(numbers.c.number.desc())
    ).all()
    newest = None if rows[0].n is None else (rows[0].n, rows[0].last)
    return Stretch([row.number for row in rows if row.number is not None], newest)


def _of(table: Table, person: UUID, before: int | None, limit: int) -> Select[Any]:
    query = select(table.c.number).where(table.c.person_id == person)
    if before is not None:
        query = query.where(table.c.number < before)
    newest = query.order_by(table.c.number.desc()).limit(limit).subquery()
    return select(newest.c.number)
