"""SQL on the tree: queue, leaves, full tiles, checkpoints."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
)

from audit.edge import FullTile
from audit.prepared import PreparedSelect
from audit.store.tables import checkpoint, event, leaf, queue, tile
from audit.tiles import TILE_WIDTH, split_hashes

_TILE = PreparedSelect(
    select(tile.c.hashes).where(
        tile.c.log == bindparam("log"),
        tile.c.level == bindparam("level"),
        tile.c.position == bindparam("position"),
    )
)
_LEAF_HASHES = PreparedSelect(
    select(leaf.c.leaf_hash)
    .where(
        leaf.c.log == bindparam("log"),
        leaf.c.index >= bindparam("start"),
        leaf.c.index < bindparam("end"),
    )
    .order_by(leaf.c.index)
)
_TILE_ROOTS = PreparedSelect(
    select(tile.c.root)
    .where(
        tile.c.log == bindparam("log"),
        tile.c.level == bindparam("level"),
        tile.c.position >= bindparam("start"),
        tile.c.position < bindparam("end"),
    )
    .order_by(tile.c.position)
)
"""What proofs read, at the driver: a proof has half a dozen of these (audit.prepared)."""

_LEAVES = 'INSERT INTO audit_leaf (log, "index", number, leaf_hash)'
_UNNESTED = " SELECT %s, * FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[])"
_SEQUENCER_LOCK = "consent-vault/sequencer/"
_LEAD = "consent-vault/sequencer-that-works/"
"""The name is kept: programs of both versions may run for a while."""


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint as it was signed."""

    log: str
    size: int
    root: bytes
    at: datetime
    note: bytes


@dataclass(frozen=True, slots=True)
class LeafRow:
    """A leaf, and the commitment of the event that it stands for; None where that is no event."""

    index: int
    leaf_hash: bytes
    commitment: bytes | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands."""

    log: str
    index: int
    leaf_hash: bytes


def lock_sequencer(connection: Connection) -> bool:
    """Take the sequencer's lock until the transaction ends; False when another one holds it."""
    if connection.dialect.name == "sqlite":
        return True  # the writing transaction itself is the lock
    lock = func.pg_try_advisory_xact_lock(_lock_key(_SEQUENCER_LOCK))
    taken: bool = connection.execute(select(lock)).scalar_one()
    return taken


def take_lead(connection: Connection, of: str = "") -> bool:
    """Take the lead among sequencers until the transaction ends; False when another has it.

    A lock of the session would do too, but behind a pooler nobody has a session.
    """
    lock = func.pg_try_advisory_xact_lock(_lock_key(_LEAD + of))
    taken: bool = connection.execute(select(lock)).scalar_one()
    return taken


def ping(connection: Connection) -> None:
    """Raises when the connection is lost."""
    connection.execute(select(literal(1)))


def _lock_key(name: str) -> ColumnElement[int]:
    """Advisory locks count for a whole database, and two logs may stand in two schemas of one: the
    schema's name is part of the lock."""
    key: ColumnElement[int] = func.hashtextextended(func.concat(name, func.current_schema()), 0)
    return key


def queued(connection: Connection, limit: int) -> list[int]:
    """The lowest row numbers that wait. Ids first: joined to the events in one statement, the
    planner has scanned the events' table for it, 13 to 17 times as slow."""
    query = select(queue.c.number).order_by(queue.c.number).limit(limit)
    return list(connection.execute(query).scalars())


def queue_length(connection: Connection) -> tuple[int, int | None]:
    """How many events wait, and the row number of the first."""
    row = connection.execute(select(func.count(), func.min(queue.c.number))).one()
    return row[0], row[1]


def event_time(connection: Connection, number: int) -> datetime:
    """When the event in that row happened."""
    at: datetime = connection.execute(
        select(event.c.at).where(event.c.number == number)
    ).scalar_one()
    return at


def commitments(connection: Connection, numbers: Sequence[int]) -> list[tuple[int, bytes]]:
    """Row number and commitment of each of the events, in the order of their numbers."""
    query = (
        select(event.c.number, event.c.commitment)
        .where(among(connection, event.c.number, numbers))
        .order_by(event.c.number)
    )
    return [(row.number, row.commitment) for row in connection.execute(query)]


def any_placed(connection: Connection, numbers: Sequence[int]) -> bool:
    """Whether one of these events has a leaf. Only the few that were committed late can be below
    the highest number that has one, so mostly this looks at nothing else."""
    highest = connection.execute(select(func.max(leaf.c.number))).scalar_one()
    late = [number for number in numbers if number <= (highest or 0)]
    if not late:
        return False
    query = select(leaf.c.number).where(among(connection, leaf.c.number, late)).limit(1)
    return connection.execute(query).one_or_none() is not None


def remove_from_queue(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete these numbers from the queue."""
    connection.execute(delete(queue).where(among(connection, queue.c.number, numbers)))


def insert_leaves(
    connection: Connection,
    log: str,
    start: int,
    numbers: Sequence[int | None],
    hashes: Sequence[bytes],
) -> None:
    """Insert leaves from index `start` on; one without an event has the number None."""
    indexes = range(start, start + len(numbers))
    if connection.dialect.name == "sqlite":
        rows = [(log, *row) for row in zip(indexes, numbers, hashes, strict=True)]
        connection.exec_driver_sql(_LEAVES + " VALUES (?, ?, ?, ?)", rows)
    else:
        columns = (log, list(indexes), list(numbers), list(hashes))
        connection.exec_driver_sql(_LEAVES + _UNNESTED, columns)


def insert_tiles(connection: Connection, log: str, tiles: Sequence[FullTile]) -> None:
    """Insert full tiles."""
    rows = [
        {
            "log": log,
            "level": each.level,
            "position": each.index,
            "hashes": each.hashes,
            "root": each.root,
        }
        for each in tiles
    ]
    if rows:
        connection.execute(insert(tile), rows)


def insert_checkpoint(connection: Connection, row: CheckpointRow) -> None:
    """Insert a checkpoint; a second one of the same size is refused by the key."""
    values = {"log": row.log, "size": row.size, "root": row.root, "at": row.at, "note": row.note}
    connection.execute(insert(checkpoint).values(values))


def last_checkpoint(connection: Connection, log: str | None = None) -> CheckpointRow | None:
    """The checkpoint of the largest size in that log, or in the newest one."""
    query = select(checkpoint).order_by(checkpoint.c.log.desc(), checkpoint.c.size.desc()).limit(1)
    if log is not None:
        query = query.where(checkpoint.c.log == log)
    return _checkpoint(connection.execute(query).one_or_none())


def last_checkpoint_before(connection: Connection, log: str) -> CheckpointRow | None:
    """The last checkpoint of the log before that one, None when it is the first."""
    query = select(checkpoint).where(checkpoint.c.log < log)
    query = query.order_by(checkpoint.c.log.desc(), checkpoint.c.size.desc()).limit(1)
    return _checkpoint(connection.execute(query).one_or_none())


def checkpoint_of(connection: Connection, log: str, size: int) -> CheckpointRow | None:
    """The checkpoint signed at exactly that size."""
    query = select(checkpoint).where(checkpoint.c.log == log, checkpoint.c.size == size)
    return _checkpoint(connection.execute(query).one_or_none())


def checkpoints_after(
    connection: Connection, log: str, size: int, limit: int
) -> list[CheckpointRow]:
    """Checkpoints of larger sizes, smallest first."""
    query = select(checkpoint).where(checkpoint.c.log == log, checkpoint.c.size > size)
    rows = connection.execute(query.order_by(checkpoint.c.size).limit(limit))
    return [CheckpointRow(row.log, row.size, row.root, row.at, row.note) for row in rows]


def logs(connection: Connection) -> list[str]:
    """All logs that have signed, oldest first; found by jumping, since checkpoints are many."""
    found: list[str] = []
    query = select(func.min(checkpoint.c.log))
    while log := connection.execute(query).scalar_one():
        found.append(log)
        query = select(func.min(checkpoint.c.log)).where(checkpoint.c.log > log)
    return found


def places(
    connection: Connection, log: str, start: int, end: int
) -> list[tuple[int, bytes, int | None]]:
    """Index, leaf hash and row number of the leaves [start, end), in order."""
    query = (
        select(leaf.c.index, leaf.c.leaf_hash, leaf.c.number)
        .where(leaf.c.log == log, leaf.c.index >= start, leaf.c.index < end)
        .order_by(leaf.c.index)
    )
    return [(index, hashed, number) for index, hashed, number in connection.execute(query)]


def leaves(connection: Connection, log: str, start: int, end: int) -> list[LeafRow]:
    """Leaves [start, end) with their events' commitments, in order; those that are there.

    Here too the numbers come first: joined, a whole batch made PostgreSQL read all events.
    """
    rows = places(connection, log, start, end)
    numbers = [number for _, _, number in rows if number is not None]
    found: dict[int | None, bytes | None] = {None: None, **dict(commitments(connection, numbers))}
    return [
        LeafRow(index, hashed, found[number]) for index, hashed, number in rows if number in found
    ]


def leaf_count(connection: Connection, log: str) -> int:
    """One more than the highest index."""
    query = select(func.max(leaf.c.index)).where(leaf.c.log == log)
    highest = connection.execute(query).scalar_one()
    return 0 if highest is None else highest + 1


def places_of(connection: Connection, event_id: UUID) -> list[Place]:
    """Where an event stands: nowhere while the sequencer has not come to it, else at one place.

    At more than one only where somebody has put an event of the same id there: a partitioned table
    holds no key over all its parts (audit.store.partitions).
    """
    query = (
        select(leaf.c.log, leaf.c.index, leaf.c.leaf_hash)
        .join(event, event.c.number == leaf.c.number)
        .where(event.c.event_id == event_id)
        .order_by(leaf.c.log, leaf.c.index)
    )
    return [Place(*row) for row in connection.execute(query)]


def tile_hashes(
    connection: Connection, log: str, level: int, position: int, width: int
) -> list[bytes]:
    """The first `width` hashes of a tile: from its row, or from the level below it.

    A partial tile has no row, and where it was filled since, the level below mostly has its
    hashes too: so that is asked first, for one round trip instead of two.
    """
    if width < TILE_WIDTH:
        found = _below(connection, log, level, position, width)
        if len(found) == width:
            return found
    wanted = {"log": log, "level": level, "position": position}
    stored = _TILE.one_or_none(connection, wanted)
    return [] if stored is None else split_hashes(stored.hashes)[:width]


def _below(connection: Connection, log: str, level: int, position: int, width: int) -> list[bytes]:
    start = position * TILE_WIDTH
    wanted: dict[str, Any] = {"log": log, "start": start, "end": start + width}
    if level == 0:
        return [bytes(row.leaf_hash) for row in _LEAF_HASHES.rows(connection, wanted)]
    rows = _TILE_ROOTS.rows(connection, wanted | {"level": level - 1})
    return [bytes(row.root) for row in rows]


def tile_of(connection: Connection, log: str, level: int, position: int) -> FullTile | None:
    """A full tile as it is stored."""
    query = select(tile).where(*_tile(log, level), tile.c.position == position)
    row = connection.execute(query).one_or_none()
    return None if row is None else FullTile(row.level, row.position, row.hashes, row.root)


def _tile(log: str, level: int) -> list[ColumnElement[bool]]:
    return [tile.c.log == log, tile.c.level == level]


def among(
    connection: Connection, column: ColumnElement[int], numbers: Sequence[int]
) -> ColumnElement[bool]:
    """`column` is one of the numbers, as one parameter however many they are."""
    if connection.dialect.name == "sqlite":
        each = func.json_each(literal(json.dumps(list(numbers)))).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(bindparam(None, list(numbers), type_=ARRAY(BigInteger), unique=True))


def _checkpoint(row: Any) -> CheckpointRow | None:
    return None if row is None else CheckpointRow(row.log, row.size, row.root, row.at, row.note)
