"""SQL for the auditor's search: which events match, newest first, a page at a time.

Each page costs the same however long the log is. One index leads: by purpose, by organisation or
by ground, each together with the kind, or by the kind alone, or by time. A question that names no
kind asks for every kind side by side, and the database merges what comes in the order of time.
What the leading index does not answer (a ground beside an organisation) is looked for in the next
`SCANNED` rows only; a page may then be short and tells how far it has looked.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    and_,
    literal,
    or_,
    select,
    union_all,
)

from audit.database import Instant, RowNumber
from audit.store.tables import about, event, search
from audit.store.tree import among

SCANNED = 5_000
"""Rows that one page looks through at most."""

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

_KEYS = (
    search.c.number,
    search.c.at,
    search.c.kind,
    search.c.organisation,
    search.c.purpose,
    search.c.basis,
)
_LEADING = (search.c.purpose, search.c.organisation, search.c.basis)
"""Columns with an index of their own, the one that leaves fewest rows first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for; None where it does not matter. `until` itself is left out."""

    since: datetime | None = None
    until: datetime | None = None
    kinds: Collection[str] | None = None
    organisation: str | None = None
    purpose: str | None = None
    basis: str | None = None
    person: UUID | None = None


@dataclass(frozen=True, slots=True)
class Matches:
    """Row numbers of a page, and the one after which the next page goes on, None at the end."""

    numbers: list[int]
    next: int | None


def matches(
    connection: Connection,
    asked: Asked,
    *,
    all_kinds: Iterable[str],
    before: int | None,
    limit: int,
    scanned: int = SCANNED,
) -> Matches:
    """The newest events that match all that is asked, after the row number of the last page."""
    if asked.person is not None:
        return _about_person(connection, asked, asked.person, before, limit, scanned)
    place = None if before is None else (_time_of(connection, before), before)
    leading = next((c for c in _LEADING if getattr(asked, c.name) is not None), None)
    others = [c for c in _LEADING if c is not leading and getattr(asked, c.name) is not None]
    arms = [_arm(asked, leading, kind, place) for kind in _kinds(asked, all_kinds, leading)]
    if not arms:
        return Matches([], None)
    most = scanned if others else limit + 1
    rows = connection.execute(_merged(arms, most)).all()
    found = [
        row for row in rows if all(getattr(row, c.name) == getattr(asked, c.name) for c in others)
    ]
    if len(found) > limit:
        return Matches([row.number for row in found[:limit]], found[limit - 1].number)
    looked_on = rows[-1].number if others and len(rows) == scanned else None
    return Matches([row.number for row in found], looked_on)


def _holds(row: Any, asked: Asked, columns: Iterable[Any]) -> bool:
    """Whether the row has what is asked for in these columns."""
    return all(getattr(row, c.name) == getattr(asked, c.name) for c in columns)


def _about_person(
    connection: Connection,
    asked: Asked,
    person: UUID,
    before: int | None,
    limit: int,
    scanned: int,
) -> Matches:
    """A person's events stand in a table of their own; the next `scanned` of them are looked at."""
    own = select(about.c.number).where(about.c.person_id == person)
    if before is not None:
        own = own.where(about.c.number < before)
    own = own.order_by(about.c.number.desc()).limit(scanned)
    numbers = list(connection.execute(own).scalars())
    query = select(search.c.number).where(among(connection, search.c.number, numbers))
    query = query.where(*_within(asked), *_equal(asked))
    found = sorted(connection.execute(query).scalars(), reverse=True)
    if len(found) > limit:
        return Matches(found[:limit], found[limit - 1])
    return Matches(found, numbers[-1] if len(numbers) == scanned else None)


def _equal(asked: Asked) -> list[Any]:
    equal = [c == getattr(asked, c.name) for c in _LEADING if getattr(asked, c.name) is not None]
    return equal if asked.kinds is None else [*equal, search.c.kind.in_(asked.kinds)]


def _kinds(asked: Asked, all_kinds: Iterable[str], leading: Any) -> Sequence[str | None]:
    """The kinds to ask for side by side; None for one question without a kind."""
    if asked.kinds is not None:
        return sorted(asked.kinds)
    return [None] if leading is None else sorted(all_kinds)


def _arm(
    asked: Asked, leading: Any, kind: str | None, place: tuple[datetime, int] | None
) -> Select[Any]:
    query = select(*_KEYS).where(*_within(asked))
    if leading is not None:
        query = query.where(leading == getattr(asked, leading.name))
    if kind is not None:
        query = query.where(search.c.kind == kind)
    if place is not None:
        query = query.where(*_after(*place))
    return query


def _merged(arms: Sequence[Select[Any]], most: int) -> Select[Any]:
    """The newest of all arms. Each is limited by itself: so each is a walk along its index, and
    the planner cannot take it for something to sort."""
    newest = [arm.order_by(search.c.at.desc(), search.c.number.desc()).limit(most) for arm in arms]
    if len(newest) == 1:
        return newest[0]
    merged = union_all(*(select(arm.subquery()) for arm in newest)).subquery()
    query = select(merged).order_by(merged.c.at.desc(), merged.c.number.desc())
    return query.limit(most)


def _within(asked: Asked) -> list[Any]:
    times = []
    if asked.since is not None:
        times.append(search.c.at >= asked.since)
    if asked.until is not None:
        times.append(search.c.at < asked.until)
    return times


def _after(at: datetime, number: int) -> list[Any]:
    """After that place in the order of time. Said twice: the first half, which follows from the
    second, is what an index can be entered by on both databases."""
    moment, row = literal(at, Instant), literal(number, RowNumber)
    earlier = or_(search.c.at < moment, and_(search.c.at == moment, search.c.number < row))
    return [search.c.at <= moment, earlier]


def _time_of(connection: Connection, number: int) -> datetime:
    """When the event of the last page's end happened; a number of no event ends the search."""
    query = select(event.c.at).where(event.c.number == number)
    at: datetime | None = connection.execute(query).scalar_one_or_none()
    return at or _BEGINNING
