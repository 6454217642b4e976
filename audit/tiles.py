"""Geometry, paths and bytes of tiles (C2SP tlog-tiles v0.1.0).

A tile holds up to 256 hashes of one level; levels are eight tree levels apart. An index is
written in groups of three digits, all but the last with an `x` before it: 1234067 is
`x001/x234/067`. A partial tile has its width in the path and is never stored.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit.merkle import HASH_SIZE

TILE_WIDTH = 256
TILE_HEIGHT = 8
_LENGTH = struct.Struct(">H")
_PATH = re.compile(
    r"tile/(?P<level>0|[1-9][0-9]?|entries)/(?P<groups>(?:x[0-9]{3}/)*[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


class TileError(ValueError):
    """A tile path or content that is not in canonical form."""


@dataclass(frozen=True, slots=True)
class TileName:
    """Which tile: level (None for a bundle of entries), index at that level, width."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """`tile/<level>/<index>[.p/<width>]`."""
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_groups(self.index)}{partial}"

    @classmethod
    def parse(cls, path: str) -> "TileName":
        """Only the canonical spelling. Raises TileError."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise TileError("not a tile path")
        level = None if match["level"] == "entries" else int(match["level"])
        index = int(re.sub("[x/]", "", match["groups"]))
        name = cls(level, index, int(match["width"] or TILE_WIDTH))
        if name.path != path or name.width > TILE_WIDTH:
            raise TileError("not a canonical tile path")
        return name


def tiles_of(size: int) -> Iterator[TileName]:
    """All tiles of hashes of a tree of that size, level by level, the partial one last."""
    level, hashes = 0, size
    while hashes:
        yield from _row(level, hashes)
        level, hashes = level + 1, hashes // TILE_WIDTH


def entry_bundles_of(size: int) -> Iterator[TileName]:
    """All bundles of entries of a tree of that size."""
    yield from _row(None, size)


def pack_entries(entries: Sequence[bytes]) -> bytes:
    """A bundle: each entry with its length before it (u16 big-endian)."""
    return b"".join(_LENGTH.pack(len(entry)) + entry for entry in entries)


def unpack_entries(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises TileError when bytes are missing."""
    entries, place = [], 0
    while place < len(data):
        if place + _LENGTH.size > len(data):
            raise TileError("cut inside a length")
        (length,) = _LENGTH.unpack_from(data, place)
        place += _LENGTH.size
        if place + length > len(data):
            raise TileError("cut inside an entry")
        entries.append(data[place : place + length])
        place += length
    return entries


def split_hashes(data: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [data[i : i + HASH_SIZE] for i in range(0, len(data), HASH_SIZE)]


def _row(level: int | None, hashes: int) -> Iterator[TileName]:
    full, partial = divmod(hashes, TILE_WIDTH)
    for index in range(full):
        yield TileName(level, index)
    if partial:
        yield TileName(level, full, partial)


def _groups(index: int) -> str:
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03d}")
    return "/".join(reversed(groups))
