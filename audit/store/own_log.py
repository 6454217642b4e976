"""SQL for a person's own log: how long it is, any part of it, and one line."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, func, select

from audit.store.tables import about, event, search


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Which lines of a log; without a bound, from its first or to its newest one."""

    kinds: Collection[str]
    since: datetime | None = None
    until: datetime | None = None
    """The last moment that is in it."""


def count(connection: Connection, person: UUID, part: Part) -> int:
    """How many lines there are."""
    found: int = connection.execute(_of(person, part, select(func.count()))).scalar_one()
    return found


def numbers(
    connection: Connection, person: UUID, part: Part, *, offset: int, limit: int
) -> list[int]:
    """Their row numbers, newest first."""
    query = _of(person, part, select(about.c.number)).order_by(about.c.number.desc())
    return list(connection.execute(query.offset(offset).limit(limit)).scalars())


def number_of(connection: Connection, person: UUID, event_id: UUID) -> int | None:
    """The row number of an event about the person; None where there is none with that id."""
    query = (
        select(about.c.number)
        .join(event, event.c.number == about.c.number)
        .where(event.c.event_id == event_id, about.c.person_id == person)
    )
    number: int | None = connection.execute(query).scalar_one_or_none()
    return number


def _of(person: UUID, part: Part, query: Select[Any]) -> Select[Any]:
    """From the person's lines, joined to what may be searched by."""
    query = query.select_from(about.join(search, search.c.number == about.c.number))
    query = query.where(about.c.person_id == person, search.c.kind.in_(list(part.kinds)))
    if part.since is not None:
        query = query.where(search.c.at >= part.since)
    return query if part.until is None else query.where(search.c.at <= part.until)
