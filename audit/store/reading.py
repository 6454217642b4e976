"""SQL for reading the log: by person, by time, kind and organisation, and one by one."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import eq, ge, lt
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, tuple_

from audit.database import RowNumber
from audit.store.tables import about, event, leaf, search

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


_COLUMNS = (
    event.c.number,
    event.c.event_id,
    event.c.at,
    event.c.commitment,
    event.c.digests,
    event.c.sealed,
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
) -> list[StoredEvent]:
    """The newest events about a person, with row numbers below `before`."""
    query = select(*_COLUMNS).select_from(about.join(_PLACED, about.c.number == event.c.number))
    query = query.where(about.c.person_id == person)
    if before is not None:
        query = query.where(about.c.number < before)
    if kinds is not None:
        query = query.join_from(about, search, search.c.number == about.c.number)
        query = query.where(search.c.kind.in_(kinds))
    return _events(connection, query.order_by(about.c.number.desc()).limit(limit))


def searched(
    connection: Connection,
    *,
    since: datetime | None,
    until: datetime | None,
    kind: str | None,
    organisation: str | None,
    before: int | None,
    limit: int,
) -> list[StoredEvent]:
    """The newest events that match all that is given; `until` itself is left out.

    Newest by time: in the order of row numbers, the database would read all that is newer than
    an old `until` before it came to the first match. Ids first, then the events: sorted with
    their sealed bytes, or joined before they are limited, they cost many times as much.
    """
    wanted = [
        (ge, search.c.at, since),
        (lt, search.c.at, until),
        (eq, search.c.kind, kind),
        (eq, search.c.organisation, organisation),
        (lt, tuple_(search.c.at, search.c.number), before and _place_in_time(before)),
    ]
    query = select(search.c.at, search.c.number)
    query = query.where(*(holds(column, v) for holds, column, v in wanted if v is not None))
    found = query.order_by(search.c.at.desc(), search.c.number.desc()).limit(limit).subquery()
    events = select(*_COLUMNS).select_from(found.join(_PLACED, found.c.number == event.c.number))
    return _events(connection, events.order_by(found.c.at.desc(), found.c.number.desc()))


def one(connection: Connection, event_id: UUID) -> StoredEvent | None:
    """The event with that id."""
    query = select(*_COLUMNS).select_from(_PLACED).where(event.c.event_id == event_id)
    return next(iter(_events(connection, query)), None)


def placed(connection: Connection, log: str, start: int, end: int) -> list[StoredEvent]:
    """The events with indexes [start, end) in that log, in that order."""
    query = select(*_COLUMNS).select_from(leaf.join(event, leaf.c.number == event.c.number))
    query = query.where(leaf.c.log == log, leaf.c.index >= start, leaf.c.index < end)
    query = query.order_by(leaf.c.index)
    return _events(connection, query)


def first_at(connection: Connection) -> datetime | None:
    """When the first event happened."""
    first = select(func.min(event.c.number)).scalar_subquery()
    query = select(event.c.at).where(event.c.number == first)
    at: datetime | None = connection.execute(query).scalar_one_or_none()
    return at


def _place_in_time(number: int) -> ColumnElement[Any]:
    at = select(event.c.at).where(event.c.number == number).scalar_subquery()
    return tuple_(at, literal(number, RowNumber))


def _events(connection: Connection, query: Rows) -> list[StoredEvent]:
    return list(_stored(connection.execute(query)))


def _stored(rows: Any) -> Iterator[StoredEvent]:
    for row in rows:
        yield StoredEvent(*row)
