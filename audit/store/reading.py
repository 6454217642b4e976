"""SQL for reading the log: by person, by number, by place, and one by one."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from audit.store.tables import about, event, leaf, search
from audit.store.tree import among
from policies.ids import PersonId

Rows = Select[Any]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it is stored, and its place in the tree if it has one."""

    number: int
    event_id: UUID
    at: datetime
    commitment: bytes
    digests: bytes
    sealed: bytes
    log: str | None
    index: int | None
    leaf_hash: bytes | None


_OF_EVENT = (
    event.c.number,
    event.c.event_id,
    event.c.at,
    event.c.commitment,
    event.c.digests,
    event.c.sealed,
)
_COLUMNS = (
    *_OF_EVENT,
    leaf.c.log,
    leaf.c.index.label("place"),
    leaf.c.leaf_hash,
)
_PLACED = event.outerjoin(leaf, leaf.c.number == event.c.number)


def about_person(
    connection: Connection,
    person: UUID,
    *,
    before: int | None,
    limit: int,
    kinds: Collection[str] | None,
    seen_at: datetime | None = None,
) -> list[StoredEvent]:
    """The newest events about a person, with row numbers below `before`; with `seen_at` without
    those that she does not see at that time yet."""
    query = select(*_COLUMNS).select_from(about.join(_PLACED, about.c.number == event.c.number))
    query = query.where(about.c.person_id == person)
    if before is not None:
        query = query.where(about.c.number < before)
    if seen_at is not None:
        query = query.where(visible(seen_at))
    if kinds is not None:
        query = query.join_from(about, search, search.c.number == about.c.number)
        query = query.where(search.c.kind.in_(kinds))
    return _events(connection, query.order_by(about.c.number.desc()).limit(limit))


def visible(at: datetime) -> ColumnElement[bool]:
    """Whether the person whom an event is about sees it at that time."""
    return or_(about.c.visible_from.is_(None), about.c.visible_from <= at)


def numbered(connection: Connection, numbers: Sequence[int]) -> list[StoredEvent]:
    """The events in those rows, in the order in which their numbers were given.

    Their places are asked for by themselves: joined, the planner has scanned all leaves.
    """
    places = select(leaf.c.number, leaf.c.log, leaf.c.index, leaf.c.leaf_hash)
    places = places.where(among(connection, leaf.c.number, numbers))
    placed_at = {row[0]: row[1:] for row in connection.execute(places)}
    events = select(*_OF_EVENT).where(among(connection, event.c.number, numbers))
    rows = {row[0]: row for row in connection.execute(events)}
    nowhere = (None, None, None)
    return [
        StoredEvent(*rows[number], *placed_at.get(number, nowhere))
        for number in numbers
        if number in rows
    ]


def numbers_of(connection: Connection, event_ids: Collection[UUID]) -> list[int]:
    """In which rows the events with these ids stand."""
    query = select(event.c.number).where(event.c.event_id.in_(event_ids))
    return list(connection.execute(query).scalars())


def one(connection: Connection, event_id: UUID) -> StoredEvent | None:
    """The event with that id."""
    query = select(*_COLUMNS).select_from(_PLACED).where(event.c.event_id == event_id)
    return next(iter(_events(connection, query)), None)


def person_of(connection: Connection, number: int) -> tuple[PersonId | None, datetime | None]:
    """Whom the event in that row is about, by the index, and from when on that person sees it."""
    query = select(about.c.person_id, about.c.visible_from).where(about.c.number == number)
    row = connection.execute(query).one_or_none()
    return (None, None) if row is None else (PersonId(row.person_id), row.visible_from)


def placed(connection: Connection, log: str, start: int, end: int) -> list[StoredEvent]:
    """The events with indexes [start, end) in that log, in that order."""
    query = select(*_COLUMNS).select_from(leaf.join(event, leaf.c.number == event.c.number))
    query = query.where(leaf.c.log == log, leaf.c.index >= start, leaf.c.index < end)
    query = query.order_by(leaf.c.index)
    return _events(connection, query)


def at_indexes(connection: Connection, log: str, indexes: Sequence[int]) -> list[StoredEvent]:
    """The events at these indexes of that log, in order."""
    query = select(*_COLUMNS).select_from(leaf.join(event, leaf.c.number == event.c.number))
    query = query.where(leaf.c.log == log, among(connection, leaf.c.index, indexes))
    return _events(connection, query.order_by(leaf.c.index))


def highest_number(connection: Connection) -> int:
    """The row number of the newest event, 0 when there is none."""
    highest: int | None = connection.execute(select(func.max(event.c.number))).scalar_one()
    return highest or 0


def first_at(connection: Connection) -> datetime | None:
    """When the first event happened."""
    first = select(func.min(event.c.number)).scalar_subquery()
    query = select(event.c.at).where(event.c.number == first)
    at: datetime | None = connection.execute(query).scalar_one_or_none()
    return at


def _events(connection: Connection, query: Rows) -> list[StoredEvent]:
    return list(_stored(connection.execute(query)))


def _stored(rows: Any) -> Iterator[StoredEvent]:
    for row in rows:
        yield StoredEvent(*row)
