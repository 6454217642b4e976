"""One batch of leaves: read from the queue, written, and read back before anything is signed."""

from dataclasses import dataclass

from sqlalchemy import Connection

from audit.disclosure import leaf
from audit.edge import Edge, FullTile
from audit.merkle import consistency_proof, leaf_hash, verify_consistency
from audit.note import split_note
from audit.shards import link_entry
from audit.store import tree as store
from audit.tree import StoredTree, TreeDamagedError, entry_of

BATCH = 5000


@dataclass(frozen=True, slots=True)
class Batch:
    """Leaves about to be placed, and what the tree will be with them."""

    log: str
    start: int
    numbers: list[int | None]
    hashes: list[bytes]
    tiles: list[FullTile]
    edge: Edge


def read_batch(connection: Connection, log: str, edge: Edge, before: bytes | None) -> Batch | None:
    """What waits, behind the link to the note `before` it when this log only begins."""
    numbers = store.queued(connection, BATCH)
    if not numbers:
        return None
    found = store.commitments(connection, numbers)
    if [number for number, _ in found] != numbers:
        raise TreeDamagedError("an event in the queue is not in the log")
    if store.any_placed(connection, numbers):
        # Where the leaves are in partitions, no constraint can see this for all of them.
        raise TreeDamagedError("an event in the queue has its place already")
    entries = [leaf(commitment) for _, commitment in found]
    placed: list[int | None] = [*numbers]
    if before is not None:
        entries.insert(0, link_entry(split_note(before)[0]))
        placed.insert(0, None)
    hashes = [leaf_hash(entry) for entry in entries]
    grown = edge.copy()
    tiles = grown.append(hashes)
    return Batch(log, edge.size, placed, hashes, tiles, grown)


def write_batch(connection: Connection, batch: Batch) -> None:
    waited = [number for number in batch.numbers if number is not None]
    store.remove_from_queue(connection, waited)
    store.insert_leaves(connection, batch.log, batch.start, batch.numbers, batch.hashes)
    store.insert_tiles(connection, batch.log, batch.tiles)


def check_batch(
    connection: Connection, batch: Batch, old: Edge, last: store.CheckpointRow | None
) -> bytes:
    """The root to sign, from what the database gives back. Raises TreeDamagedError.

    A log that signs a tree over an entry whose bytes hash to something else can never be
    repaired: two Certificate Transparency logs died of one flipped bit (Yeti 2022, Nessie 2024).
    """
    log = batch.log
    rows = store.leaves(connection, log, batch.start, batch.edge.size)
    if [row.index for row in rows] != list(range(batch.start, batch.edge.size)):
        raise TreeDamagedError("written leaves are not dense")
    hashes = [leaf_hash(entry_of(connection, log, row)) for row in rows]
    if [row.leaf_hash for row in rows] != hashes:
        raise TreeDamagedError("a written leaf reads back differently")
    again = old.copy()
    tiles = again.append(hashes)
    if any(store.tile_of(connection, log, each.level, each.index) != each for each in tiles):
        raise TreeDamagedError("a written tile reads back differently")
    tree = StoredTree(connection, log, again.size)
    root = again.root()
    if tree.root() != root:
        raise TreeDamagedError("the written tree reads back differently")
    if last is not None:
        _check_growth(tree, last, root)
    return root


def _check_growth(tree: StoredTree, last: store.CheckpointRow, root: bytes) -> None:
    """Hold our own consistency proof against the verifier, before anybody else can."""
    verify_consistency(
        old_size=last.size,
        old_root=last.root,
        new_size=tree.size,
        new_root=root,
        proof=consistency_proof(tree.node, last.size, tree.size),
    )
