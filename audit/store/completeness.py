"""SQL of the completeness check: pages of rows in the order of their keys, each by an index."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Table,
    any_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)

from audit.check_cursor import Key
from audit.store.tables import about, checkpoint, event, leaf, queue, retention, search
from audit.store.tree import commitments


@dataclass(frozen=True, slots=True)
class EventState:
    """An event, and what stands beside it."""

    number: int
    event_id: UUID
    at: datetime
    commitment: bytes
    kind: str | None
    leaf_hashes: tuple[bytes, ...]
    """Of its leaves: one, once it has its place."""
    queued: bool


@dataclass(frozen=True, slots=True)
class LeafState:
    """A leaf, and the commitment of its event where that is there."""

    log: str
    index: int
    number: int | None
    leaf_hash: bytes
    commitment: bytes | None


@dataclass(frozen=True, slots=True)
class MinimumRow:
    """A minimum index of a log, and the event that it was set with."""

    log: str
    minimum_index: int
    at: datetime
    event_id: UUID


class Near(Protocol):
    """Where rows are found by time: a column with an index, at most so long after the event's."""

    @property
    def column(self) -> "Column[datetime]": ...

    @property
    def within(self) -> timedelta: ...


def lock_check(connection: Connection) -> bool:
    """Take the lock of the check until the transaction ends; False when another one holds it."""
    lock = func.pg_try_advisory_xact_lock(_lock_number())
    taken: bool = connection.execute(select(lock)).scalar_one()
    return taken


def _lock_number() -> ColumnElement[int]:
    # Advisory locks count for a whole database, and two logs may stand in two schemas of one.
    name = func.concat("consent-vault/completeness/", func.current_schema())
    return func.hashtextextended(name, 0)


def events_after(connection: Connection, number: int, limit: int) -> list[EventState]:
    """The next events. Each table is asked apart: joined, a planner may read all of one of them."""
    query = select(event.c.number, event.c.event_id, event.c.at, event.c.commitment)
    query = query.where(event.c.number > number).order_by(event.c.number).limit(limit)
    rows = connection.execute(query).all()
    numbers = [row.number for row in rows]
    kinds = _by_number(connection, search, search.c.kind, numbers)
    hashes = _leaf_hashes(connection, numbers)
    queued = _by_number(connection, queue, queue.c.number, numbers)
    return [
        EventState(*row, kinds.get(row.number), tuple(hashes[row.number]), row.number in queued)
        for row in rows
    ]


def twice(connection: Connection, event_ids: Collection[UUID]) -> set[UUID]:
    """The ids that more than one event bears: a partitioned table holds no key over all parts."""
    query = select(event.c.event_id).where(_among(connection, event.c.event_id, event_ids))
    query = query.group_by(event.c.event_id).having(func.count() > 1)
    return set(connection.execute(query).scalars())


def leaves_after(connection: Connection, log: str, index: int, limit: int) -> list[LeafState]:
    """The next leaves, log by log."""
    query = select(leaf.c.log, leaf.c.index, leaf.c.number, leaf.c.leaf_hash)
    after = tuple_(leaf.c.log, leaf.c.index) > tuple_(literal(log), literal(index))
    query = query.where(after).order_by(leaf.c.log, leaf.c.index).limit(limit)
    rows = connection.execute(query).all()
    numbers = sorted(row.number for row in rows if row.number is not None)
    found = dict(commitments(connection, numbers))
    return [LeafState(*row, found.get(row.number)) for row in rows]


def signed_sizes(connection: Connection) -> dict[str, int]:
    """The size of the last checkpoint of each log."""
    query = select(checkpoint.c.log, func.max(checkpoint.c.size)).group_by(checkpoint.c.log)
    return {row[0]: row[1] for row in connection.execute(query)}


def minimum_indexes(connection: Connection) -> dict[str, int]:
    """From which index on the entries of each log stand here; what is below is archived."""
    query = select(retention.c.log, func.max(retention.c.minimum_index)).group_by(retention.c.log)
    return {row[0]: row[1] for row in connection.execute(query)}


def minimum_rows(connection: Connection) -> list[MinimumRow]:
    """Every minimum index that was ever set: one for each archive, so there are few."""
    query = select(retention).order_by(retention.c.log, retention.c.minimum_index)
    return [
        MinimumRow(row.log, row.minimum_index, row.at, row.audit_event_id)
        for row in connection.execute(query)
    ]


def first_time_after_archive(connection: Connection) -> datetime | None:
    """The time of the first event that stands here, None when it is the first of all."""
    query = select(event.c.number, event.c.at).order_by(event.c.number).limit(1)
    first = connection.execute(query).one_or_none()
    at: datetime | None = None if first is None or first.number == 1 else first.at
    return at


def rows_after(
    connection: Connection, table: Table, after: Key | None, limit: int
) -> list[tuple[Key, UUID]]:
    """The next rows of a table of effects: key and event."""
    keys = list(table.primary_key.columns)
    query = select(*keys, table.c.audit_event_id.label("of_event")).order_by(*keys).limit(limit)
    if after is not None:
        last = tuple_(*(literal(part, key.type) for part, key in zip(after, keys, strict=True)))
        query = query.where(tuple_(*keys) > last)
    return [(tuple(row[:-1]), row.of_event) for row in connection.execute(query)]


def kinds_of(connection: Connection, event_ids: Collection[UUID]) -> dict[UUID, str | None]:
    """The kind of each of these events that is there; None where the index does not say it."""
    query = select(event.c.event_id, event.c.number).where(
        _among(connection, event.c.event_id, event_ids)
    )
    numbers = {row.event_id: row.number for row in connection.execute(query)}
    kinds = _by_number(connection, search, search.c.kind, list(numbers.values()))
    return {event_id: kinds.get(number) for event_id, number in numbers.items()}


def accounted(
    connection: Connection,
    table: Table,
    events: Sequence[EventState],
    near: Near | None,
) -> set[UUID]:
    """Which of these events have a row in the table."""
    query = select(table.c.audit_event_id)
    if near is None:
        query = query.where(
            _among(connection, table.c.audit_event_id, {e.event_id for e in events})
        )
    else:
        first, last = min(e.at for e in events), max(e.at for e in events)
        query = query.where(near.column >= first, near.column <= last + near.within)
    return set(connection.execute(query).scalars())


def happened(
    connection: Connection, moments: Collection[datetime]
) -> set[tuple[datetime, str, UUID | None]]:
    """Time, kind and person of all that happened at exactly these moments."""
    query = select(search.c.at, search.c.kind, about.c.person_id)
    query = query.outerjoin_from(search, about, about.c.number == search.c.number)
    return {
        (row.at, row.kind, row.person_id)
        for row in connection.execute(query.where(_among(connection, search.c.at, moments)))
    }


def _leaf_hashes(connection: Connection, numbers: Collection[int]) -> dict[int, list[bytes]]:
    query = select(leaf.c.number, leaf.c.leaf_hash).where(
        _among(connection, leaf.c.number, numbers)
    )
    found: dict[int, list[bytes]] = {number: [] for number in numbers}
    for number, leaf_hash in connection.execute(query):
        found[number].append(leaf_hash)
    return found


def _by_number(
    connection: Connection, table: Table, column: "Column[Any]", numbers: Collection[int]
) -> dict[int, Any]:
    query = select(table.c.number, column.label("wanted")).where(
        _among(connection, table.c.number, numbers)
    )
    return {row.number: row.wanted for row in connection.execute(query)}


def has_leaves(connection: Connection, log: str) -> bool:
    """Whether the log has any leaf."""
    return (
        connection.execute(select(leaf.c.index).where(leaf.c.log == log).limit(1)).first()
        is not None
    )


def _among(
    connection: Connection, column: ColumnElement[Any], values: Collection[Any]
) -> ColumnElement[bool]:
    """`column` is one of the values: on PostgreSQL one parameter, which a thousand would slow."""
    if connection.dialect.name == "sqlite":
        return column.in_(values)
    wanted = bindparam(None, list(values), type_=ARRAY(column.type), unique=True)
    return column == any_(wanted)
