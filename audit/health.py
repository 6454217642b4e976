"""Reading the log again, a piece at a time: is what stands there still what was signed?

Two tasks for each log. `new` follows the newest checkpoint, so a changed entry is found within
seconds of being placed; `again` walks slowly through everything that was found good before, for
ever, since old rows can be changed later. Both keep their place in the database and go on from it.

Each event's id and digests must give its commitment, the commitment the leaf, the leaves their
tile, each tile its parent, and the tree the signed root. Whoever changes all of these alike is
found by the older checkpoints: between the last that still holds and the first that does not
stands the first bad entry. What only somebody outside can find is in `audit.verify`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from audit.checkpoint import CheckpointError, open_checkpoint
from audit.disclosure import commitment, leaf, split_digests
from audit.log_signers import LogSigners
from audit.merkle import fold, leaf_hash
from audit.note import NoteError
from audit.retention import believed_minimum
from audit.store import health as store
from audit.store import tree as tree_store
from audit.store.health import CheckRow, LeafEvent
from audit.store.tree import CheckpointRow
from audit.tiles import TILE_HEIGHT, TILE_WIDTH, split_hashes
from audit.tree import StoredTree, TreeDamagedError, entry_of
from audit.unit_of_work import Ledger

NEW, AGAIN = "new", "again"
NEW_ENTRIES = 20_000
"""How many new entries one run reads at most: half a second of work."""
OLD_ENTRIES = 2_048
"""How many old ones. At a run every five seconds, a log of 100 million is read in three days."""


class Damage(StrEnum):
    """What is wrong."""

    ENTRY_MISSING = "entry-missing"
    EVENT_MISSING = "event-missing"
    EVENT_CHANGED = "event-changed"
    ENTRY_CHANGED = "entry-changed"
    TILE_CHANGED = "tile-changed"
    ROOT_CHANGED = "root-changed"
    SIGNATURE = "signature"


_OF_THE_ARCHIVED = frozenset({Damage.ENTRY_MISSING, Damage.EVENT_MISSING})
"""What is no damage below the minimum index."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The first bad entry, or the first entry of what is bad; and its event's row number."""

    damage: Damage
    index: int
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the checker knows of one log."""

    log: str
    verified: int
    """So many entries from the first on were good when they were read."""
    verified_at: datetime | None
    again: int
    """So many of them were read once more in the round that is under way."""
    passed_at: datetime | None
    """When the last such round ended."""
    fault: Fault | None


class LogChecker:
    """Checks the logs of one ledger against the keys that may have signed them."""

    def __init__(self, ledger: Ledger, signers: LogSigners) -> None:
        self._ledger = ledger
        self._signers = signers

    def run_once(
        self, now: datetime, *, new: int = NEW_ENTRIES, old: int = OLD_ENTRIES
    ) -> Fault | None:
        """One piece of each task; the first fault that this run has found."""
        with self._ledger.read() as connection:
            known = {(row.log, row.task): row for row in store.checks(connection)}
            ends = _ends(connection)
            rows = [self._new(connection, end, known, now, new) for end in ends]
            rows += self._again(connection, ends, known, now, old)
        self._write(rows)
        return next((fault for row in rows if (fault := _fault(row)) is not None), None)

    def begin_again(self, now: datetime) -> None:
        """Have all that was found good before read from its beginning."""
        with self._ledger.read() as connection:
            rows = [row for row in store.checks(connection) if row.task == AGAIN]
        self._write([replace(row, position=0, at=now) for row in rows])

    def _new(
        self,
        connection: Connection,
        end: CheckpointRow,
        known: dict[tuple[str, str], CheckRow],
        now: datetime,
        most: int,
    ) -> CheckRow:
        row = known.get((end.log, NEW)) or _first(end.log, NEW, now)
        return self._advance(connection, end, row, now, most)

    def _again(
        self,
        connection: Connection,
        ends: Sequence[CheckpointRow],
        known: dict[tuple[str, str], CheckRow],
        now: datetime,
        most: int,
    ) -> list[CheckRow]:
        """A piece of the round under way, else of the log whose last round is longest ago."""
        rows = [(known.get((end.log, AGAIN)) or _first(end.log, AGAIN, now), end) for end in ends]
        if not rows:
            return []
        row, end = min(rows, key=lambda each: _turn(each[0]))
        advanced = self._advance(connection, end, row, now, most)
        if advanced.damage is None and advanced.position >= end.size:
            advanced = replace(advanced, position=0, passed_at=now)
        return [advanced]

    def _advance(
        self, connection: Connection, end: CheckpointRow, row: CheckRow, now: datetime, most: int
    ) -> CheckRow:
        """Read the next piece, and hold the tree against what was signed last."""
        # A tile is the smallest piece: the last one, which was not full, is read again.
        start = min(row.position, end.size) // TILE_WIDTH * TILE_WIDTH
        last = min(start + max(most, TILE_WIDTH), end.size)
        minimum = believed_minimum(connection, self._ledger, row.log)
        fault = first_fault(connection, row.log, start, last, minimum=minimum)
        if fault is not None:
            return _stopped(row, fault, min(fault.index, last), now)
        unsigned = self._unsigned(connection, end)
        if unsigned is not None:  # what was read just now proves nothing then
            return _stopped(row, unsigned, min(row.position, unsigned.index), now)
        return replace(row, position=last, at=now, damage=None, bad_index=None, bad_number=None)

    def _unsigned(self, connection: Connection, end: CheckpointRow) -> Fault | None:
        """Unless the newest checkpoint is ours and the stored tree has its root."""
        verifiers, origin = self._signers.verifiers(end.log), self._signers.origin(end.log)
        try:
            checkpoint = open_checkpoint(end.note, verifiers, origin=origin)
        except (NoteError, CheckpointError):
            return Fault(Damage.SIGNATURE, end.size - 1)
        if (checkpoint.size, checkpoint.root) != (end.size, end.root):
            return Fault(Damage.SIGNATURE, end.size - 1)
        if _has_root(connection, end):
            return None
        return Fault(Damage.ROOT_CHANGED, _first_bad_entry(connection, end.log, end.size))

    def _write(self, rows: Sequence[CheckRow]) -> None:
        with self._ledger.writer.unaccounted_transaction() as connection:
            store.lock_checks(connection)
            for row in rows:
                store.set_check(connection, row)


def standings(connection: Connection) -> list[Standing]:
    """What is known of each log, oldest first."""
    rows = {(row.log, row.task): row for row in store.checks(connection)}
    return [
        _standing(log, rows.get((log, NEW)), rows.get((log, AGAIN)))
        for log in tree_store.logs(connection)
    ]


def first_fault(
    connection: Connection, log: str, start: int, end: int, *, minimum: int = 0
) -> Fault | None:
    """The first fault among the entries [start, end); `start` stands at the edge of a tile.

    Below the minimum index entries and events may be archived: what is still here of them must
    be good all the same, and so must the tiles, which stay for ever.
    """
    for first in range(start, end, TILE_WIDTH):
        last = min(first + TILE_WIDTH, end)
        rows = store.leaf_events(connection, log, first, last)
        fault = _fault_in_rows(connection, log, rows, first, last, minimum)
        if fault is None and last - first == TILE_WIDTH:
            hashes = _hashes(connection, log, rows, first // TILE_WIDTH)
            fault = _fault_in_tiles(connection, log, first // TILE_WIDTH, hashes)
        if fault is not None:
            return fault
    return None


def _fault_in_rows(
    connection: Connection,
    log: str,
    rows: Sequence[LeafEvent],
    first: int,
    last: int,
    minimum: int,
) -> Fault | None:
    present = {row.index: row for row in rows}
    for index in range(first, last):
        row = present.get(index)
        damage = Damage.ENTRY_MISSING if row is None else _damage(connection, log, row)
        if index < minimum and damage in _OF_THE_ARCHIVED:
            continue
        if damage is not None:
            return Fault(damage, index, None if row is None else row.number)
    return None


def _hashes(
    connection: Connection, log: str, rows: Sequence[LeafEvent], position: int
) -> list[bytes]:
    """Of the leaves of a full tile; of those that are archived the tile's own."""
    if len(rows) == TILE_WIDTH:
        return [row.leaf_hash for row in rows]
    stored = tree_store.tile_of(connection, log, 0, position)
    known = {} if stored is None else dict(enumerate(split_hashes(stored.hashes)))
    known |= {row.index % TILE_WIDTH: row.leaf_hash for row in rows}
    return [known[place] for place in sorted(known)]


def _damage(connection: Connection, log: str, row: LeafEvent) -> Damage | None:
    if row.number is None:
        return _link_damage(connection, log, row)
    if row.event_id is None or row.commitment is None or row.digests is None:
        return Damage.EVENT_MISSING
    if commitment(row.event_id, split_digests(row.digests)) != row.commitment:
        return Damage.EVENT_CHANGED
    return None if leaf_hash(leaf(row.commitment)) == row.leaf_hash else Damage.ENTRY_CHANGED


def _link_damage(connection: Connection, log: str, row: LeafEvent) -> Damage | None:
    """The first leaf of a later log holds the last checkpoint of the log before it."""
    try:
        entry = entry_of(connection, log, tree_store.LeafRow(row.index, row.leaf_hash, None))
    except TreeDamagedError:
        return Damage.ENTRY_CHANGED
    return None if leaf_hash(entry) == row.leaf_hash else Damage.ENTRY_CHANGED


def _fault_in_tiles(
    connection: Connection, log: str, position: int, hashes: Sequence[bytes]
) -> Fault | None:
    """The full tile over these leaves, and each tile above it that it completes."""
    level = 0
    while True:
        stored = tree_store.tile_of(connection, log, level, position)
        expected = (b"".join(hashes), fold(hashes)) if len(hashes) == TILE_WIDTH else None
        if stored is None or (stored.hashes, stored.root) != expected:
            return Fault(Damage.TILE_CHANGED, position << TILE_HEIGHT * (level + 1))
        if (position + 1) % TILE_WIDTH:
            return None
        start = position + 1 - TILE_WIDTH
        hashes = store.tile_roots(connection, log, level, start, position + 1)
        level, position = level + 1, position // TILE_WIDTH


def _has_root(connection: Connection, signed: CheckpointRow) -> bool:
    try:
        return StoredTree(connection, signed.log, signed.size).root() == signed.root
    except TreeDamagedError:
        return False


def _first_bad_entry(connection: Connection, log: str, size: int) -> int:
    """Where the tree leaves what was signed: the size of the last checkpoint that still holds.

    By halves, since checkpoints are many: `good` holds, `bad` does not, and between `high` and
    `bad` nothing was signed.
    """
    good, bad, high = 0, size, size
    while good < high:
        middle = (good + high) // 2
        signed = store.checkpoint_from(connection, log, middle + 1)
        if signed is None or signed.size >= bad:
            high = middle
        elif _has_root(connection, signed):
            good = signed.size
        else:
            bad, high = signed.size, middle
    return good


def _ends(connection: Connection) -> list[CheckpointRow]:
    """The newest checkpoint of each log, oldest log first."""
    found = (tree_store.last_checkpoint(connection, log) for log in tree_store.logs(connection))
    return [end for end in found if end is not None]


def _turn(row: CheckRow) -> tuple[bool, bool, datetime]:
    """Whose turn it is: one whose round is under way, one that had none, one that waits longest."""
    return row.position == 0, row.passed_at is not None, row.at


def _first(log: str, task: str, now: datetime) -> CheckRow:
    return CheckRow(
        log=log,
        task=task,
        position=0,
        at=now,
        passed_at=None,
        damage=None,
        bad_index=None,
        bad_number=None,
    )


def _stopped(row: CheckRow, fault: Fault, position: int, now: datetime) -> CheckRow:
    """The task waits there until the damage is repaired: each run looks at it again."""
    return replace(
        row,
        position=position,
        at=now,
        damage=fault.damage.value,
        bad_index=fault.index,
        bad_number=fault.number,
    )


def _fault(row: CheckRow | None) -> Fault | None:
    if row is None or row.damage is None or row.bad_index is None:
        return None
    return Fault(Damage(row.damage), row.bad_index, row.bad_number)


def _standing(log: str, new: CheckRow | None, again: CheckRow | None) -> Standing:
    faults = [fault for row in (new, again) if (fault := _fault(row)) is not None]
    return Standing(
        log=log,
        verified=0 if new is None else new.position,
        verified_at=None if new is None else new.at,
        again=0 if again is None else again.position,
        passed_at=None if again is None else again.passed_at,
        fault=min(faults, key=lambda each: each.index, default=None),
    )
