"""What each room tells the completeness check: which rows follow from an event, and from which.

A room lists its tables of effects; the log holds them against what happened. So no room's tables
are looked into from outside, and a table that is forgotten fails a test.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, Connection, Table

from audit.check_cursor import Key
from audit.model import Kind
from audit.unit_of_work import Ledger
from policies.ids import PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Kinds of event of which each has a row in the table."""

    kinds: frozenset[Kind]
    kept: timedelta | None = None
    """How long a row stays at least; None for ever."""
    near: "Near | None" = None
    """Finds the rows by time, where the table has no index on the event's id."""


@dataclass(frozen=True, slots=True)
class Near:
    """A column with an index, at most so long after the event's time."""

    column: "Column[datetime]"
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTable:
    """A table with a column `audit_event_id`."""

    table: Table
    kinds: frozenset[Kind]
    """Kinds of event that a row may refer to."""
    demand: Demand | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a row says beside its own event: at that moment another one happened to the person."""

    row: str
    """Its table and what it is known by in the log: never a secret, never a person's data."""
    person: PersonId
    at: datetime
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """How often data was released on a consent, by its own count."""

    consent: UUID
    person: PersonId
    since: datetime
    times: int


ReadExpected = Callable[[Connection, Key | None, int], Sequence[tuple[Key, Expected | None]]]
"""A page of rows after that key, in the order of keys; None for a row that expects nothing."""
ReadUsed = Callable[[Connection, Key | None, int], Sequence[tuple[Key, Used]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What a room keeps sealed about people, and holds against the log by itself."""

    name: str
    people: "ReadPeople"
    differing: "ReadDiffering"


ReadPeople = Callable[[Connection, Key | None, int], Sequence[tuple[Key, PersonId]]]
"""A page of people of whom something is sealed, in the order of keys."""
ReadDiffering = Callable[[Connection, Ledger, PersonId], Sequence[UUID]]
"""What of the person's is not as the log says; may raise SealedEventError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomEffects:
    """All that one room has to tell."""

    tables: tuple[EffectTable, ...] = ()
    expected: tuple[tuple[str, ReadExpected], ...] = ()
    used: tuple[tuple[str, ReadUsed], ...] = ()
    sealed: tuple[Sealed, ...] = ()
