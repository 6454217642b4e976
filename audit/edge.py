"""The right edge of the tree: for each tile level the hashes that do not fill a tile yet.

At most 255 hashes a level, kept in memory by the sequencer and never stored: partial tiles once
filled 146 GB for a log whose full ones took 4.4 GB (TesseraCT issue 644).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit.merkle import EMPTY_ROOT, fold, node_hash
from audit.tiles import TILE_HEIGHT, TILE_WIDTH


@dataclass(frozen=True, slots=True)
class FullTile:
    """A tile that has been filled, with the root over it (its hash one level up)."""

    level: int
    index: int
    hashes: bytes
    root: bytes


class Edge:
    """Grows by leaf hashes and gives the tiles that each growth fills."""

    def __init__(self, levels: Sequence[Sequence[bytes]] = (), *, size: int = 0) -> None:
        self.size = size
        self._levels = [list(level) for level in levels]

    def copy(self) -> "Edge":
        """An edge that may grow, and be thrown away, beside this one."""
        return Edge(self._levels, size=self.size)

    def append(self, leaf_hashes: Iterable[bytes]) -> list[FullTile]:
        """Add leaves; gives the tiles they filled, in the order of filling."""
        filled: list[FullTile] = []
        for leaf in leaf_hashes:
            self.size += 1
            self._push(0, leaf, filled)
        return filled

    def root(self) -> bytes:
        """The tree's root (RFC 9162 section 2.1.1)."""
        root: bytes | None = None
        for level in self._levels:
            for peak in reversed(_peaks(level)):
                root = peak if root is None else node_hash(peak, root)
        return EMPTY_ROOT if root is None else root

    def partial(self, level: int) -> list[bytes]:
        """The hashes of the partial tile at a level, none when there is no such tile."""
        return list(self._levels[level]) if level < len(self._levels) else []

    def _push(self, level: int, value: bytes, filled: list[FullTile]) -> None:
        if level == len(self._levels):
            self._levels.append([])
        hashes = self._levels[level]
        hashes.append(value)
        if len(hashes) < TILE_WIDTH:
            return
        index = (self.size >> (TILE_HEIGHT * (level + 1))) - 1
        tile = FullTile(level, index, b"".join(hashes), fold(hashes))
        filled.append(tile)
        hashes.clear()
        self._push(level + 1, tile.root, filled)


def _peaks(hashes: Sequence[bytes]) -> list[bytes]:
    """Roots of the complete subtrees that the hashes make, left to right."""
    peaks, start = [], 0
    for bit in reversed(range(TILE_HEIGHT)):
        width = 1 << bit
        if len(hashes) & width:
            peaks.append(fold(hashes[start : start + width]))
            start += width
    return peaks
