"""What the log gives to those who verify: proofs, checkpoints, tiles, and how it stands.

`log` names a shard (audit.shards); where it may be left out, the newest one is meant.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit.merkle import ProofError, consistency_proof, inclusion_proof
from audit.store import archive as archive_store
from audit.store import tree as store
from audit.store import witnessing
from audit.tiles import TILE_HEIGHT, TILE_WIDTH, TileName, pack_entries
from audit.tlog_proof import TlogProof
from audit.tree import StoredTree, TreeDamagedError
from audit.unit_of_work import Ledger
from policies.ids import EventId

WITNESSED_WITHIN = timedelta(minutes=1)
"""So long the newest checkpoint waits for its witnesses; we promise no shorter merge delay."""


class EventTwiceError(TreeDamagedError):
    """Two entries are of one event id, so that there is no telling which of them was meant."""

    def __init__(self, log: str, index: int) -> None:
        super().__init__(f"an event stands in the log twice: the second time at {log}/{index}")
        self.log = log
        self.index = index


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an event stands at its index in the tree of the checkpoint."""

    event_id: EventId
    log: str
    index: int
    size: int
    leaf_hash: bytes
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    """The signed note."""


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree of the old size is a prefix of the tree of the new size."""

    log: str
    old_size: int
    new_size: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LogHead:
    """A log (shard) and the size of its newest checkpoint."""

    log: str
    size: int


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint of the past."""

    size: int
    at: datetime
    note: bytes


@dataclass(frozen=True, slots=True)
class LogState:
    """How the newest log stands: what is signed in it, and what waits for its place."""

    log: str | None
    size: int
    root: bytes | None
    checkpoint_at: datetime | None
    queued: int
    oldest_queued_at: datetime | None

    def waiting_seconds(self, now: datetime) -> float:
        """How long the oldest event without a place has waited."""
        at = self.oldest_queued_at
        return 0.0 if at is None else max(0.0, (now - at).total_seconds())


def inclusion(connection: Connection, _ledger: Ledger, event_id: EventId) -> InclusionProof | None:
    """The event's proof, under the newest checkpoint of its log that witnesses have cosigned, if it
    holds the event; else under the newest. None while the event waits, or is unknown.

    Raises EventTwiceError and TreeDamagedError.
    """
    place = _place_of(connection, event_id)
    last = None if place is None else store.last_checkpoint(connection, place.log)
    if place is None or last is None:
        return None
    cosigned = _cosigned(connection, last)
    under = last if cosigned is None or cosigned.size <= place.index else cosigned
    tree = StoredTree(connection, place.log, under.size)
    return InclusionProof(
        event_id,
        place.log,
        place.index,
        under.size,
        place.leaf_hash,
        tuple(inclusion_proof(tree.node, place.index, under.size)),
        with_cosignatures(connection, under),
    )


def _place_of(connection: Connection, event_id: EventId) -> store.Place | None:
    places = store.places_of(connection, event_id)
    if len(places) > 1:
        raise EventTwiceError(places[0].log, places[1].index)
    return places[0] if places else None


def consistency(
    connection: Connection, old_size: int, new_size: int, *, log: str | None = None
) -> ConsistencyProof:
    """Raises ProofError when the sizes are out of order or beyond the newest checkpoint."""
    last = store.last_checkpoint(connection, log)
    if last is None or new_size > last.size:
        raise ProofError("beyond the signed tree")
    tree = StoredTree(connection, last.log, new_size)
    hashes = consistency_proof(tree.node, old_size, new_size)
    return ConsistencyProof(last.log, old_size, new_size, tuple(hashes))


def proof_text(proof: InclusionProof) -> str:
    """The proof as `.tlog-proof` text."""
    return str(TlogProof(proof.index, proof.hashes, proof.checkpoint))


def logs(connection: Connection) -> list[str]:
    """The logs that have signed a checkpoint, oldest first."""
    return store.logs(connection)


def log_heads(connection: Connection) -> list[LogHead]:
    """The size of each log that has signed, oldest first."""
    lasts = (store.last_checkpoint(connection, log) for log in store.logs(connection))
    return [LogHead(last.log, last.size) for last in lasts if last is not None]


def checkpoints(
    connection: Connection, log: str, *, after: int, limit: int
) -> list[SignedCheckpoint]:
    """The notes signed at sizes above `after`, smallest first."""
    rows = store.checkpoints_after(connection, log, after, limit)
    return [SignedCheckpoint(row.size, row.at, row.note) for row in rows]


def named_tile(connection: Connection, name: TileName, *, log: str | None = None) -> bytes | None:
    """The bytes of the tile or bundle, None when the signed tree does not have it (yet)."""
    if name.level is None:
        return entries_bundle(connection, name.index, name.width, log=log)
    return tile(connection, name.level, name.index, name.width, log=log)


def current_log(connection: Connection) -> str | None:
    """The newest log, None before the first event has its place."""
    last = store.last_checkpoint(connection)
    return None if last is None else last.log


def latest_checkpoint(connection: Connection, *, log: str | None = None) -> bytes | None:
    """The newest signed note, None before the first event has its place.

    With the lines of the witnesses under it. While they have not cosigned the newest one, the
    newest that they have cosigned stands for it, unless it is older than readers can be asked to
    wait for.
    """
    last = store.last_checkpoint(connection, log)
    if last is None:
        return None
    cosigned = _cosigned(connection, last)
    return last.note if cosigned is None else with_cosignatures(connection, cosigned)


def _cosigned(connection: Connection, last: store.CheckpointRow) -> store.CheckpointRow | None:
    """The newest checkpoint with a witness's line, if it is not too old to stand for the last."""
    for size in witnessing.cosigned_sizes(connection, last.log, limit=1):
        cosigned = store.checkpoint_of(connection, last.log, size)
        if cosigned is not None and last.at - cosigned.at <= WITNESSED_WITHIN:
            return cosigned
    return None


def with_cosignatures(connection: Connection, row: store.CheckpointRow) -> bytes:
    """The note with the newest line of each witness under it."""
    lines = witnessing.cosignatures(connection, row.log, row.size)
    return row.note + b"".join({each.witness: each.line for each in lines}.values())


def checkpoint_at(connection: Connection, size: int, *, log: str | None = None) -> bytes | None:
    """The note that was signed at exactly that size."""
    log = log or current_log(connection)
    found = None if log is None else store.checkpoint_of(connection, log, size)
    return None if found is None else found.note


def tile(
    connection: Connection,
    level: int,
    index: int,
    width: int = TILE_WIDTH,
    *,
    log: str | None = None,
) -> bytes | None:
    """The bytes of a tile, None when the signed tree does not have it (yet)."""
    tree = signed_tree(connection, log=log)
    if tree is None or not _has(tree, TileName(level, index, width)):
        return None
    return b"".join(tree.tile(level, index)[:width])


def entries_bundle(
    connection: Connection, index: int, width: int = TILE_WIDTH, *, log: str | None = None
) -> bytes | None:
    """The bytes of a bundle of entries, None when the signed tree does not have it (yet)."""
    tree = signed_tree(connection, log=log)
    if tree is None or not _has(tree, TileName(None, index, width)):
        return None
    if index * TILE_WIDTH + width <= minimum_index(connection, log=tree.log):
        return None  # C2SP tlog-tiles, pruning: it stands in the archive
    return pack_entries(tree.entries(index)[:width])


def minimum_index(connection: Connection, *, log: str) -> int:
    """The lowest index whose entry the log itself still gives out (C2SP tlog-tiles, pruning)."""
    return archive_store.minimum_index(connection, log)


def log_state(connection: Connection) -> LogState:
    """What is signed and what waits."""
    last = store.last_checkpoint(connection)
    queued, first = store.queue_length(connection)
    oldest = None if first is None else store.event_time(connection, first)
    if last is None:
        return LogState(None, 0, None, None, queued, oldest)
    return LogState(last.log, last.size, last.root, last.at, queued, oldest)


def signed_tree(connection: Connection, *, log: str | None = None) -> StoredTree | None:
    """The tree of the newest checkpoint, None when there is none."""
    last = store.last_checkpoint(connection, log)
    return None if last is None else StoredTree(connection, last.log, last.size)


def _has(tree: StoredTree, name: TileName) -> bool:
    hashes = tree.size >> TILE_HEIGHT * (name.level or 0)
    return (
        0 < name.width <= TILE_WIDTH
        and name.index >= 0
        and name.index * TILE_WIDTH + name.width <= hashes
    )
