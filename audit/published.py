"""A log as anybody publishes it: files in the form of C2SP tlog-tiles, downloaded to a folder.

Pure but for reading that folder. Our own log and those of others are read alike: entries are
bytes, whatever they mean. A partial tile that was not kept may be taken from the full one or from
a wider one (as C2SP tlog-tiles allows a log to serve), bundles of entries may be compressed with
gzip, and where there are none at all the tree is checked from its lowest tiles.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audit.checkpoint import Checkpoint
from audit.edge import Edge
from audit.faults import BundleError, Fault
from audit.merkle import HASH_SIZE, leaf_hash
from audit.note import Verifier
from audit.tiles import (
    TILE_WIDTH,
    TileError,
    TileName,
    entry_bundles_of,
    split_hashes,
    tiles_of,
    unpack_entries,
)
from audit.trust import Signed, Trust
from audit.verify_checkpoint import (
    NOTHING_KEPT,
    Kept,
    check_continues,
    read_checkpoint,
    read_vkeys,
)
from audit.verify_entries import link_of
from audit.verify_times import Sighting, sightings_of
from audit.verify_timestamps import (
    CheckedStamp,
    check_timestamps,
    is_stamp,
    seen_by_authorities,
)

CHECKPOINT = "checkpoint"
VKEY = "log.vkey"
_LONGEST_BUNDLE = TILE_WIDTH * (0xFFFF + 2)


@dataclass(frozen=True, slots=True)
class Published:
    """What a published log proves."""

    signed: Signed
    has_entries: bool
    """False when the tree was checked from its tiles only, since the folder holds no entries."""
    continues: tuple[int, ...]
    """Sizes of the older checkpoints that it was shown to continue."""
    leaves: Sequence[bytes] = field(repr=False)
    """The hashes of all entries."""
    stamps: tuple[CheckedStamp, ...]
    """Time stamps that lie beside it, where there are any."""
    seen: Sequence[Sighting]
    """At which sizes somebody outside has seen the log, and when."""
    previous: Checkpoint | None
    """The end of the log that this one continues, where there are entries and one of ours does."""
    key_from_log: bool
    """True when nobody said which key to trust, so that the one in the folder was taken."""


def verify_published(folder: Path, trust: Trust, *, older: Kept = NOTHING_KEPT) -> Published:
    """Verify all tiles and entries up to the checkpoint in the folder.

    `older` are notes that the reader has kept: this log must continue each one that is of it.
    Time stamps lie there as in an export (audit.bundle_files), if somebody put them there. Raises
    BundleError with the first fault, naming file and entry.
    """
    offered: tuple[Verifier, ...] = ()
    if not trust.logs and (folder / VKEY).is_file():
        offered = read_vkeys(_read(folder, VKEY), VKEY)
    signed = read_checkpoint(_read(folder, CHECKPOINT), CHECKPOINT, trust, offered=offered)
    size = signed.checkpoint.size
    has_entries = (folder / "tile" / "entries").is_dir()
    leaves = _leaves(folder, size, has_entries=has_entries)
    if _check_tiles(folder, leaves) != signed.checkpoint.root:
        raise BundleError(Fault.ROOT, CHECKPOINT)
    continues = tuple(
        check_continues(note, signed, leaves, trust, offered=offered)
        for note in older.get(signed.checkpoint.origin, ())
    )
    stamps = check_timestamps(dict(_stamp_files(folder)), signed, leaves, trust)
    return Published(
        signed,
        has_entries,
        tuple(each.checkpoint.size for each in continues),
        leaves,
        tuple(stamps),
        (*sightings_of(signed, *continues), *seen_by_authorities(stamps)),
        _link(folder, size) if has_entries else None,
        key_from_log=not trust.logs,
    )


def _stamp_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.glob("timestamps/*/*"):
        name = path.relative_to(folder).as_posix()
        if is_stamp(name):
            yield name, _read(folder, name)


def _leaves(folder: Path, size: int, *, has_entries: bool) -> list[bytes]:
    """The leaf hashes, from the entries, or from the lowest tiles where there are no entries."""
    hashes: list[bytes] = []
    if has_entries:
        for name in entry_bundles_of(size):
            hashes += map(leaf_hash, _entries(folder, name))
        return hashes
    for name in tiles_of(size):
        if name.level == 0:
            hashes += _tile(folder, name)
    return hashes


def _link(folder: Path, size: int) -> Checkpoint | None:
    first = next(entry_bundles_of(size), None)
    return None if first is None else link_of(_entries(folder, first)[0], first.path)


def _entries(folder: Path, name: TileName) -> list[bytes]:
    path, data = _find(folder, name)
    for content in (data, _gunzipped(data)):
        try:
            entries = unpack_entries(content)
        except TileError:
            continue
        if len(entries) >= name.width and len(entries) <= TILE_WIDTH:
            return entries[: name.width]
    raise BundleError(Fault.ENTRIES_FORM, path)


def _gunzipped(data: bytes) -> bytes:
    """What was compressed; half a length, which no bundle can be, when nothing was."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(data, _LONGEST_BUNDLE)
    except zlib.error:
        return b"\0"
    return content if unpacker.eof and not unpacker.unused_data else b"\0"


def _tile(folder: Path, name: TileName) -> list[bytes]:
    path, data = _find(folder, name)
    if len(data) % HASH_SIZE or not name.width <= len(data) // HASH_SIZE <= TILE_WIDTH:
        raise BundleError(Fault.TILE_FORM, path)
    return split_hashes(data)[: name.width]


def _check_tiles(folder: Path, leaves: Sequence[bytes]) -> bytes:
    """The root, after every tile has been held against one made anew from the leaves."""
    edge = Edge()
    made = {(tile.level, tile.index): split_hashes(tile.hashes) for tile in edge.append(leaves)}
    for name in tiles_of(len(leaves)):
        level = name.level or 0
        ours = made.get((level, name.index)) or edge.partial(level)
        theirs = _tile(folder, name)
        if theirs != ours:
            same = [a == b for a, b in zip(ours, theirs, strict=True)]
            place = same.index(False)
            raise BundleError(Fault.TILE, name.path, name.index * TILE_WIDTH + place)
    return edge.root()


def _find(folder: Path, name: TileName) -> tuple[str, bytes]:
    """Path and bytes of a tile, of the full one in its place, or of a wider partial one."""
    full = TileName(name.level, name.index)
    wider = (TileName(name.level, name.index, w) for w in range(name.width, TILE_WIDTH))
    for each in (full, *wider) if name.width < TILE_WIDTH else (full,):
        if (folder / each.path).is_file():
            return each.path, _read(folder, each.path)
    raise BundleError(Fault.MISSING, name.path)


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as error:
        raise BundleError(Fault.MISSING, name) from error
    except OSError as error:
        raise BundleError(Fault.UNREADABLE, name) from error
