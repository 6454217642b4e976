"""SQL for the auditor's search: which events match, newest first, a page at a time.

Each page costs the same however long the log is. One index leads: by purpose, by organisation or
by ground, each together with the kind, or by the kind alone, or by time. A question that names no
kind asks for every kind side by side, and the database merges what comes in the order of time.
What the leading index does not answer (a ground beside an organisation) is looked for in the next
`SCANNED` rows only; a page may then be short and tells how far it has looked.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Select,
    String,
    bindparam,
    literal_column,
    select,
    text,
    tuple_,
    union_all,
)

from audit.database import Instant, RowNumber
from audit.prepared import PreparedSelect
from audit.store.tables import about, event, search
from audit.store.tree import among

SCANNED = 2_000
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
_LEADING = ("purpose", "organisation", "basis")
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
    leading = next((name for name in _LEADING if getattr(asked, name) is not None), None)
    others = [n for n in _LEADING if n != leading and getattr(asked, n) is not None]
    kinds = _kinds(asked, all_kinds, leading)
    if not kinds:
        return Matches([], None)
    given = {
        "leading": None if leading is None else getattr(asked, leading),
        "since": asked.since,
        "until": asked.until,
        "at": None if before is None else _time_of(connection, before),
        "number": before,
    }
    most = scanned if others else limit + 1
    parameters = {name: value for name, value in given.items() if value is not None}
    if connection.dialect.name == "postgresql":
        # A plan made for no values in particular has taken another index, 400 times as slow.
        connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    rows = _question(leading, kinds, frozenset(parameters), most).rows(connection, parameters)
    found = [row for row in rows if _holds(row, asked, others)]
    if len(found) > limit:
        return Matches([row.number for row in found[:limit]], found[limit - 1].number)
    looked_on = rows[-1].number if others and len(rows) == scanned else None
    return Matches([row.number for row in found], looked_on)


def _holds(row: Any, asked: Asked, names: Iterable[str]) -> bool:
    """Whether the row has what is asked for in these columns."""
    return all(getattr(row, name) == getattr(asked, name) for name in names)


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
    given = {name: getattr(asked, name) for name in _LEADING}
    equal = [search.c[name] == value for name, value in given.items() if value is not None]
    return equal if asked.kinds is None else [*equal, search.c.kind.in_(asked.kinds)]


def _within(asked: Asked) -> list[Any]:
    times = []
    if asked.since is not None:
        times.append(search.c.at >= asked.since)
    if asked.until is not None:
        times.append(search.c.at < asked.until)
    return times


def _kinds(
    asked: Asked, all_kinds: Iterable[str], leading: str | None
) -> tuple[str, ...] | tuple[None]:
    """The kinds to ask for side by side; None for one question without a kind."""
    if asked.kinds is not None:
        return tuple(sorted(asked.kinds))
    return (None,) if leading is None else tuple(sorted(all_kinds))


@lru_cache(maxsize=256)
def _question(
    leading: str | None, kinds: tuple[str | None, ...], given: frozenset[str], most: int
) -> PreparedSelect:
    """The statement for questions of one shape: an arm for each kind, merged by time.

    Made once, since it has dozens of arms. Each arm is limited by itself: so each is a walk along
    its index, and the planner cannot take it for something to sort.
    """
    arms = [
        _arm(leading, kind, given)
        .order_by(search.c.at.desc(), search.c.number.desc())
        .limit(literal_column(str(most)))
        for kind in kinds
    ]
    if len(arms) == 1:
        return PreparedSelect(arms[0])
    merged = union_all(*(select(arm.subquery()) for arm in arms)).subquery()
    query = select(merged).order_by(merged.c.at.desc(), merged.c.number.desc())
    return PreparedSelect(query.limit(literal_column(str(most))))


def _arm(leading: str | None, kind: str | None, given: frozenset[str]) -> Select[Any]:
    query = select(*_KEYS)
    if leading is not None:
        query = query.where(search.c[leading] == bindparam("leading", type_=String))
    if kind is not None:
        query = query.where(search.c.kind == kind)
    if "since" in given:
        query = query.where(search.c.at >= bindparam("since", type_=Instant))
    if "until" in given:
        query = query.where(search.c.at < bindparam("until", type_=Instant))
    return query.where(_after()) if "number" in given else query


def _after() -> Any:
    """After that place in the order of time: one condition, by which both databases enter an
    index."""
    place = tuple_(bindparam("at", type_=Instant), bindparam("number", type_=RowNumber))
    return tuple_(search.c.at, search.c.number) < place


def _time_of(connection: Connection, number: int) -> datetime:
    """When the event of the last page's end happened; a number of no event ends the search."""
    query = select(event.c.at).where(event.c.number == number)
    at: datetime | None = connection.execute(query).scalar_one_or_none()
    return at or _BEGINNING
