"""SQL for a person's chain: which events stand in it, and how far it has come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, Table, cast, null, select, true, union_all

from audit.database import Instant
from audit.store.tables import about, acted, head


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a chain, and its head, as they were at one moment."""

    numbers: list[int]
    """Row numbers of its events, newest first."""
    kept_back: frozenset[int]
    """Those among them that the index does not show to the person yet."""
    head: tuple[int, bytes] | None
    """Number and commitment of the newest event in the whole chain."""


def stretch(
    connection: Connection, person: UUID, *, now: datetime, before: int | None, limit: int
) -> Stretch:
    """The newest events in the chain, or the newest with row numbers below `before`.

    One statement, so that no event can come between the events and the head.
    """
    both = union_all(*(_of(table, person, before, limit) for table in (about, acted))).subquery()
    numbers = (
        select(both.c.number, both.c.visible_from)
        .order_by(both.c.number.desc())
        .limit(limit)
        .subquery()
    )
    one = select(true().label("one")).subquery()
    rows = connection.execute(
        select(numbers.c.number, numbers.c.visible_from, head.c.n, head.c.last)
        .select_from(one)
        .outerjoin(head, head.c.person_id == person)
        .outerjoin(numbers, true())
        .order_by(numbers.c.number.desc())
    ).all()
    newest = None if rows[0].n is None else (rows[0].n, rows[0].last)
    found = [row for row in rows if row.number is not None]
    later = {row.number for row in found if row.visible_from and row.visible_from > now}
    return Stretch([row.number for row in found], frozenset(later), newest)


def _of(table: Table, person: UUID, before: int | None, limit: int) -> Select[Any]:
    from_then = table.c.visible_from if table is about else cast(null(), Instant)
    query = select(table.c.number, from_then.label("visible_from"))
    query = query.where(table.c.person_id == person)
    if before is not None:
        query = query.where(table.c.number < before)
    newest = query.order_by(table.c.number.desc()).limit(limit).subquery()
    return select(newest.c.number, newest.c.visible_from)
