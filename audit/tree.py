"""The tree as it is stored, seen at one size: nodes for proofs, tiles for readers, the edge."""

from datetime import datetime

from sqlalchemy import Connection

from audit.disclosure import leaf
from audit.edge import Edge
from audit.merkle import fold, tree_hash
from audit.note import split_note
from audit.shards import link_entry, shard_at
from audit.store import tree as store
from audit.store import witnessing
from audit.tiles import TILE_HEIGHT, TILE_WIDTH


class TreeDamagedError(RuntimeError):
    """Stored rows of the tree are missing or do not fit together."""


def entry_of(connection: Connection, log: str, row: store.LeafRow) -> bytes:
    """The entry that a leaf stands for. Raises TreeDamagedError."""
    if row.commitment is not None:
        return leaf(row.commitment)
    before = note_before(connection, log)
    if row.index != 0 or before is None:
        raise TreeDamagedError(f"leaf {row.index} stands for nothing")
    return link_entry(split_note(before)[0])


def current_log(connection: Connection, now: datetime) -> str:
    """The log in which events have their places now: the half-year's, or one begun anew since."""
    return max(shard_at(now), *(start.log for start in witnessing.log_starts(connection)), "")


def note_before(connection: Connection, log: str) -> bytes | None:
    """The checkpoint that a log goes on from: the one it was begun anew from, else the last one of
    the log before it; None when it is the first."""
    for start in witnessing.log_starts(connection):
        if start.log == log:
            return start.previous
    before = store.last_checkpoint_before(connection, log)
    return None if before is None else before.note


class StoredTree:
    """A log's first `size` leaves; each tile is read once: use one object for one piece of work."""

    def __init__(self, connection: Connection, log: str, size: int) -> None:
        self._connection = connection
        self.log = log
        self.size = size
        self._read: dict[tuple[int, int], list[bytes]] = {}

    def root(self) -> bytes:
        """The root at this size."""
        return tree_hash(self.node, 0, self.size)

    def node(self, level: int, index: int) -> bytes:
        """Hash of the complete subtree over leaves [index << level, (index + 1) << level)."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        position, offset = divmod(index << height, TILE_WIDTH)
        return fold(self.tile(tile_level, position)[offset : offset + (1 << height)])

    def tile(self, level: int, position: int) -> list[bytes]:
        """The hashes of a tile, fewer than 256 at the right edge. Raises TreeDamagedError."""
        found = self._read.get((level, position))
        if found is None:
            width = min(TILE_WIDTH, (self.size >> TILE_HEIGHT * level) - position * TILE_WIDTH)
            found = store.tile_hashes(self._connection, self.log, level, position, width)
            if len(found) != width:
                raise TreeDamagedError(f"tile {level}/{position} lacks hashes")
            self._read[level, position] = found
        return found

    def entries(self, position: int) -> list[bytes]:
        """The entries of a bundle, fewer than 256 at the right edge. Raises TreeDamagedError."""
        start = position * TILE_WIDTH
        end = min(start + TILE_WIDTH, self.size)
        rows = store.leaves(self._connection, self.log, start, end)
        if len(rows) != end - start:
            raise TreeDamagedError(f"bundle {position} lacks entries")
        return [entry_of(self._connection, self.log, row) for row in rows]

    def edge(self) -> Edge:
        """The right edge, rebuilt from at most 255 hashes a level."""
        levels: list[list[bytes]] = []
        while hashes := self.size >> TILE_HEIGHT * len(levels):
            full, partial = divmod(hashes, TILE_WIDTH)
            levels.append(self.tile(len(levels), full) if partial else [])
        return Edge(levels, size=self.size)
