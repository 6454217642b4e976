"""The sequencer: gives waiting events their places in the tree and signs what it has become.

Events do not wait for each other; one sequencer at a time drains their queue in batches. Leaves,
full tiles and the signed checkpoint are one transaction, and nothing is published before it is
committed: a signature that did not commit never leaves the process.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from audit.checkpoint import Checkpoint
from audit.disclosure import leaf
from audit.edge import Edge, FullTile
from audit.merkle import consistency_proof, leaf_hash, verify_consistency
from audit.note import split_note
from audit.shards import link_entry, shard_at
from audit.store import tree as store
from audit.tree import StoredTree, TreeDamagedError, entry_of
from audit.unit_of_work import Ledger

BATCH = 5000
INTERVAL_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 30.0

Publish = Callable[[Checkpoint, bytes], None]
"""Takes a committed checkpoint and its note further: to files, witnesses, archives."""

_log = logging.getLogger(__name__)


class CheckpointSigner(Protocol):
    """Signs the checkpoints of every log (shard) of this installation."""

    def origin(self, log: str) -> str:
        """The origin of that log's checkpoints."""
        ...

    def sign(self, log: str, text: str, now: datetime) -> bytes:
        """The signed note."""
        ...


class ClockWentBackError(RuntimeError):
    """The clock stands before the last checkpoint: nothing is signed until it has caught up."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Leaves about to be placed, and what the tree will be with them."""

    log: str
    start: int
    numbers: list[int | None]
    hashes: list[bytes]
    tiles: list[FullTile]
    edge: Edge


@dataclass(frozen=True, slots=True)
class _Known:
    """The tree as it was when this process last placed a batch."""

    log: str
    edge: Edge


class Sequencer:
    """Drains the queue of one ledger and signs what its log becomes."""

    def __init__(
        self, ledger: Ledger, signer: CheckpointSigner, *, publish: Sequence[Publish] = ()
    ) -> None:
        self._ledger = ledger
        self._signer = signer
        self._publish = publish
        self._known: _Known | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def run_once(self, now: datetime) -> Checkpoint | None:
        """Place one batch; None when nothing waits or another sequencer is at work.

        Raises ClockWentBackError, TreeDamagedError (the stored tree is not the one last signed,
        or what was written reads back differently), ProofError, and whatever the database or
        the signer raises; nothing is placed then.
        """
        with self._ledger.read() as reading:
            if not store.queued(reading, 1):
                return None
        with self._ledger.writer.unaccounted_transaction() as connection:
            placed = self._place(connection, now) if store.lock_sequencer(connection) else None
        if placed is None:
            return None
        checkpoint, note, self._known = placed  # durable by now: leaves, tiles and checkpoint
        for publish in self._publish:
            publish(checkpoint, note)
        return checkpoint

    def start(self, clock: Callable[[], datetime]) -> None:
        """Run in a thread of this process until `stop`."""
        if self._thread is not None:
            raise RuntimeError("the sequencer runs already")
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._run, args=(clock,), name="sequencer", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Let the batch in hand end, then stop; what waits is placed after the next start."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self, clock: Callable[[], datetime]) -> None:
        pause = INTERVAL_SECONDS
        while not self._stop.wait(pause):
            try:
                # One batch for each interval. Draining until nothing waits would, under steady
                # load, sign a checkpoint for every few events and cost more than the events do.
                self.run_once(clock())
                pause = INTERVAL_SECONDS
            except (SQLAlchemyError, OSError, RuntimeError, ValueError) as error:
                # Only the class: the text of a database error may quote parameters.
                _log.error("the sequencer failed and will try again: %s", type(error).__name__)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _place(
        self, connection: Connection, now: datetime
    ) -> tuple[Checkpoint, bytes, _Known] | None:
        last = store.last_checkpoint(connection)
        if last is not None and now < last.at:
            raise ClockWentBackError
        edge = Edge() if last is None else self._current_edge(connection, last)
        log = shard_at(now)
        before = None
        if last is not None and last.log != log:  # a new half-year, a new tree
            before, last, edge = last, None, Edge()
        batch = _read_batch(connection, log, edge, before)
        if batch is None:  # another sequencer was quicker
            return None
        _write_batch(connection, batch)
        root = _check_batch(connection, batch, edge, last)
        checkpoint = Checkpoint(self._signer.origin(log), batch.edge.size, root)
        note = self._signer.sign(log, str(checkpoint), now)
        row = store.CheckpointRow(log, checkpoint.size, root, now, note)
        store.insert_checkpoint(connection, row)
        return checkpoint, note, _Known(log, batch.edge)

    def _current_edge(self, connection: Connection, last: store.CheckpointRow) -> Edge:
        """The edge at the last checkpoint; rebuilt at the start and after another's batch."""
        known = self._known
        if known is not None and (last.log, last.size) < (known.log, known.edge.size):
            raise TreeDamagedError("the stored tree is smaller than one that was signed")
        if known is not None and (last.log, last.size) == (known.log, known.edge.size):
            edge = known.edge
        else:
            if store.leaf_count(connection, last.log) != last.size:
                raise TreeDamagedError("leaves and last checkpoint differ in number")
            edge = StoredTree(connection, last.log, last.size).edge()
        if edge.root() != last.root:
            raise TreeDamagedError("the stored tree is not the one that was signed last")
        return edge


def _read_batch(
    connection: Connection, log: str, edge: Edge, before: store.CheckpointRow | None
) -> _Batch | None:
    """What waits, behind the link to the log `before` when this one only begins."""
    numbers = store.queued(connection, BATCH)
    if not numbers:
        return None
    found = store.commitments(connection, numbers)
    if [number for number, _ in found] != numbers:
        raise TreeDamagedError("an event in the queue is not in the log")
    entries = [leaf(commitment) for _, commitment in found]
    placed: list[int | None] = [*numbers]
    if before is not None:
        entries.insert(0, link_entry(split_note(before.note)[0]))
        placed.insert(0, None)
    hashes = [leaf_hash(entry) for entry in entries]
    grown = edge.copy()
    tiles = grown.append(hashes)
    return _Batch(log, edge.size, placed, hashes, tiles, grown)


def _write_batch(connection: Connection, batch: _Batch) -> None:
    waited = [number for number in batch.numbers if number is not None]
    store.remove_from_queue(connection, waited)
    store.insert_leaves(connection, batch.log, batch.start, batch.numbers, batch.hashes)
    store.insert_tiles(connection, batch.log, batch.tiles)


def _check_batch(
    connection: Connection, batch: _Batch, old: Edge, last: store.CheckpointRow | None
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
