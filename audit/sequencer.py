"""The sequencer: gives waiting events their places in the tree and signs what it has become.

Events do not wait for each other; one sequencer at a time drains their queue in batches. Leaves,
full tiles and the signed checkpoint are one transaction, and nothing is published before it is
committed: a signature that did not commit never leaves the process.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from audit.batch import check_batch, read_batch, write_batch
from audit.checkpoint import Checkpoint
from audit.edge import Edge
from audit.leadership import Leadership
from audit.outside_copy import OutsideCopyError
from audit.partitions import alarms, tend_each
from audit.store import tree as store
from audit.tree import StoredTree, TreeDamagedError, current_log, note_before
from audit.unit_of_work import Ledger

INTERVAL_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_TEND_EVERY = timedelta(minutes=1)

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


class Guard(Protocol):
    """Holds the tree against what is known of it outside the database (audit.rollback)."""

    def prepare(self, logs: Sequence[str]) -> None:
        """Ask outside; called before a transaction begins."""
        ...

    def check(self, connection: Connection) -> None:
        """Raises TreeDamagedError when nothing may be signed."""
        ...


class ClockWentBackError(RuntimeError):
    """The clock stands before the last checkpoint: nothing is signed until it has caught up.

    A checkpoint dated before an older one would make every time in the log doubtful.
    """

    def __init__(self, now: datetime, last: datetime) -> None:
        behind = (last - now).total_seconds()
        super().__init__(
            f"the clock stands {behind:.3f} s before the last checkpoint, of {last.isoformat()};"
            " nothing is signed until it has caught up: set the machine's clock right"
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """The tree as it was when this process last placed a batch."""

    log: str
    edge: Edge

    @property
    def place(self) -> tuple[str, int]:
        """Log and size, in order of time."""
        return self.log, self.edge.size


class Sequencer:
    """Drains the queue of one ledger and signs what its log becomes."""

    def __init__(
        self,
        ledger: Ledger,
        signer: CheckpointSigner,
        *,
        publish: Sequence[Publish] = (),
        guard: Guard | None = None,
    ) -> None:
        self._ledger = ledger
        self._guard = guard
        self._signer = signer
        self._publish = publish
        self._known: _Known | None = None
        self._leadership = Leadership(ledger.engine)
        self._works: bool | None = None
        self._tended: datetime | None = None
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
            logs = sorted({*store.logs(reading)[-1:], current_log(reading, now)})
        if self._guard is not None:
            self._guard.prepare(logs)
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

    def end_soon(self) -> None:
        """Begin no further batch; `stop` waits for the one in hand."""
        self._stop.set()

    def stop(self) -> None:
        """Let the batch in hand end, then stop; what waits is placed after the next start."""
        if self._thread is not None:
            self.end_soon()
            self._thread.join()
            self._thread = None

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def works(self) -> bool:
        """Whether it runs and leads; False for one that stands by."""
        return self.running and self._works is True

    def _run(self, clock: Callable[[], datetime]) -> None:
        pause = INTERVAL_SECONDS
        while not self._stop.wait(pause):
            try:
                # One batch for each interval. Draining until nothing waits would, under steady
                # load, sign a checkpoint for every few events and cost more than the events do.
                if self._may_work():
                    self._tend(clock())
                    self.run_once(clock())
                pause = INTERVAL_SECONDS
            except (ClockWentBackError, TreeDamagedError, OutsideCopyError) as error:
                _log.error("the sequencer signs nothing: %s", error)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            except (SQLAlchemyError, OSError, RuntimeError, ValueError) as error:
                # Only the class: the text of a database error may quote parameters.
                _log.error("the sequencer failed and will try again: %s", type(error).__name__)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self._leadership.give_up()
        self._works = None

    def _may_work(self) -> bool:
        """Whether this is the sequencer that works; the others stand by until it ends."""
        works = self._leadership.taken()
        if works is not self._works:
            _log.info("the sequencer %s", "works" if works else "stands by: another one works")
        self._works = works
        return works

    def _tend(self, now: datetime) -> None:
        """Look after the room for what is to come, now and then."""
        if self._tended is not None and timedelta() <= now - self._tended < _TEND_EVERY:
            return
        self._tended = now
        try:
            made = tend_each(self._ledger.writer.unaccounted_transaction, now)
            with self._ledger.read() as connection:
                told = alarms(connection, now)
        except SQLAlchemyError as error:  # there is room for millions: no reason to stand still
            _log.error("partitions were not looked after: %s", type(error).__name__)
            return
        for each in made:
            _log.info("the partition %s was made", each)
        for alarm in told:
            _log.error("%s: run consent-vault db upgrade", alarm)

    def _place(
        self, connection: Connection, now: datetime
    ) -> tuple[Checkpoint, bytes, _Known] | None:
        if self._guard is not None:
            self._guard.check(connection)
        last = store.last_checkpoint(connection)
        if last is not None and now < last.at:
            raise ClockWentBackError(now, last.at)
        if self._known is not None and (last is None or (last.log, last.size) < self._known.place):
            raise TreeDamagedError("the stored tree is smaller than one that was signed")
        edge = Edge() if last is None else self._current_edge(connection, last)
        log, before = current_log(connection, now), None
        if last is None or last.log != log:  # a new half-year, a new tree
            before, last, edge = note_before(connection, log), None, Edge()
        if last is None and store.leaf_count(connection, log):
            raise TreeDamagedError("there are leaves that no checkpoint covers")
        batch = read_batch(connection, log, edge, before)
        if batch is None:  # another sequencer was quicker
            return None
        write_batch(connection, batch)
        root = check_batch(connection, batch, edge, last)
        checkpoint = Checkpoint(self._signer.origin(log), batch.edge.size, root)
        note = self._signer.sign(log, str(checkpoint), now)
        row = store.CheckpointRow(log, checkpoint.size, root, now, note)
        store.insert_checkpoint(connection, row)
        return checkpoint, note, _Known(log, batch.edge)

    def _current_edge(self, connection: Connection, last: store.CheckpointRow) -> Edge:
        """The edge at the last checkpoint; rebuilt at the start and after another's batch."""
        if self._known is not None and self._known.place == (last.log, last.size):
            edge = self._known.edge
        else:
            if store.leaf_count(connection, last.log) != last.size:
                raise TreeDamagedError("leaves and last checkpoint differ in number")
            edge = StoredTree(connection, last.log, last.size).edge()
        if edge.root() != last.root:
            raise TreeDamagedError("the stored tree is not the one that was signed last")
        return edge
