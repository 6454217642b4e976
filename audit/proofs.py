"""What the log gives to those who verify: proofs, checkpoints, tiles, and how it stands."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.merkle import ProofError, consistency_proof, inclusion_proof
from audit.store import tree as store
from audit.tiles import TILE_HEIGHT, TILE_WIDTH, TileName, pack_entries
from audit.tlog_proof import TlogProof
from audit.tree import StoredTree
from audit.unit_of_work import Ledger
from policies.ids import EventId


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an event stands at its index in the tree of the checkpoint."""

    event_id: EventId
    index: int
    size: int
    leaf_hash: bytes
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    """The signed note."""


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree of the old size is a prefix of the tree of the new size."""

    old_size: int
    new_size: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LogState:
    """How the log stands: what is signed, and what waits for its place."""

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
    """The event's proof under the newest checkpoint; None while it waits, or is unknown."""
    place = store.place_of(connection, event_id)
    last = store.last_checkpoint(connection)
    if place is None or last is None:
        return None
    index, leaf_hash = place
    hashes = inclusion_proof(StoredTree(connection, last.size).node, index, last.size)
    return InclusionProof(event_id, index, last.size, leaf_hash, tuple(hashes), last.note)


def consistency(connection: Connection, old_size: int, new_size: int) -> ConsistencyProof:
    """Raises ProofError when the sizes are out of order or beyond the newest checkpoint."""
    if new_size > _signed_tree(connection).size:
        raise ProofError("beyond the signed tree")
    tree = StoredTree(connection, new_size)
    hashes = consistency_proof(tree.node, old_size, new_size)
    return ConsistencyProof(old_size, new_size, tuple(hashes))


def proof_text(proof: InclusionProof) -> str:
    """The proof as `.tlog-proof` text."""
    return str(TlogProof(proof.index, proof.hashes, proof.checkpoint))


def latest_checkpoint(connection: Connection) -> bytes | None:
    """The newest signed note, None before the first event has its place."""
    last = store.last_checkpoint(connection)
    return None if last is None else last.note


def checkpoint_at(connection: Connection, size: int) -> bytes | None:
    """The note that was signed at exactly that size."""
    found = store.checkpoint_of(connection, size)
    return None if found is None else found.note


def tile(connection: Connection, level: int, index: int, width: int = TILE_WIDTH) -> bytes | None:
    """The bytes of a tile, None when the signed tree does not have it (yet)."""
    tree = _signed_tree(connection)
    if not _has(tree, TileName(level, index, width)):
        return None
    return b"".join(tree.tile(level, index)[:width])


def entries_bundle(connection: Connection, index: int, width: int = TILE_WIDTH) -> bytes | None:
    """The bytes of a bundle of entries, None when the signed tree does not have it (yet)."""
    tree = _signed_tree(connection)
    if not _has(tree, TileName(None, index, width)):
        return None
    return pack_entries(tree.entries(index)[:width])


def log_state(connection: Connection) -> LogState:
    """What is signed and what waits."""
    last = store.last_checkpoint(connection)
    queued, first = store.queue_length(connection)
    oldest = None if first is None else store.event_time(connection, first)
    if last is None:
        return LogState(0, None, None, queued, oldest)
    return LogState(last.size, last.root, last.at, queued, oldest)


def _signed_tree(connection: Connection) -> StoredTree:
    last = store.last_checkpoint(connection)
    return StoredTree(connection, 0 if last is None else last.size)


def _has(tree: StoredTree, name: TileName) -> bool:
    hashes = tree.size >> TILE_HEIGHT * (name.level or 0)
    return (
        0 < name.width <= TILE_WIDTH
        and name.index >= 0
        and name.index * TILE_WIDTH + name.width <= hashes
    )
