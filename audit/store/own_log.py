"""SQL for a person's own log: how long it is, any part of it, and one line."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from audit.store.reading import visible
from audit.store.tables import about, event, search


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which lines of a log; without a bound, from its first or to its newest one."""

    kinds: Collection[str]
    since: datetime | None = None
    until: datetime | None = None
    """The last moment that is in it."""


def count(connection: Connection, person: UUID, part: Part, *, now: datetime) -> int:
    """How many lines there are."""
    found: int = connection.execute(_of(person, part, now, select(func.count()))).scalar_one()
    return found


def numbers(
    connection: Connection, person: UUID, part: Part, *, now: datetime, offset: int, limit: int
) -> list[int]:
    """Their row numbers, newest first."""
    query = _of(person, part, now, select(about.c.number)).order_by(about.c.number.desc())
    return list(connection.execute(query.offset(offset).limit(limit)).scalars())


def numbers_of(connection: Connection, person: UUID, event_id: UUID, *, now: datetime) -> list[int]:
    """The row number of an event about the person; none where there is none with that id, and more
    than one where somebody has written the id again (audit.store.partitions)."""
    query = (
        select(about.c.number)
        .join(event, event.c.number == about.c.number)
        .where(event.c.event_id == event_id, about.c.person_id == person, visible(now))
        .order_by(about.c.number)
    )
    return list(connection.execute(query).scalars())


def _of(person: UUID, part: Part, now: datetime, query: Select[Any]) -> Select[Any]:
    """From the lines that the person sees, joined to what may be searched by."""
    query = query.select_from(about.join(search, search.c.number == about.c.number))
    query = query.where(
        about.c.person_id == person, visible(now), search.c.kind.in_(list(part.kinds))
    )
    if part.since is not None:
        query = query.where(search.c.at >= part.since)
    return query if part.until is None else query.where(search.c.at <= part.until)
