"""The inner half of verification, pure: events, entries and tiles against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.bundle_files import EVENTS, BundleFileError, EventLine
from audit.checkpoint import Checkpoint, CheckpointError
from audit.disclosure import FieldValue
from audit.edge import Edge
from audit.faults import BundleError, Fault
from audit.merkle import leaf_hash
from audit.shards import linked_text
from audit.tiles import (
    TILE_WIDTH,
    TileError,
    entry_bundles_of,
    split_hashes,
    tiles_of,
    unpack_entries,
)
from audit.verify_chains import check_chains
from audit.verify_event import check_digests, disclosed_fields, entry_of, moment_of
from audit.verify_times import Claim


@dataclass(frozen=True, slots=True)
class Contents:
    """What the events say, and the root that their entries give."""

    leaves: list[bytes]
    root: bytes
    fields: list[dict[str, FieldValue]]
    previous: Checkpoint | None
    """The last checkpoint of the log before this one, which the first entry holds."""

    @property
    def claims(self) -> list[Claim]:
        """When each entry that says so happened."""
        start = 0 if self.previous is None else 1
        return [
            Claim(index, moment_of(fields))
            for index, fields in enumerate(self.fields, start)
            if "at" in fields
        ]


def check_contents(files: Mapping[str, bytes], size: int, altered: str | None) -> Contents:
    """Check every event, entry and tile. Raises BundleError.

    `altered` is the file that the manifest disowns, if any: where two files contradict each
    other, it is the one to blame.
    """
    entries = _entries(files, size)
    previous = link_of(entries[0][1], entries[0][0]) if entries else None
    lines = _lines(files[EVENTS], size, start=0 if previous is None else 1)
    _check_entries(entries, lines, altered)
    hashes = [leaf_hash(entry) for _, entry in entries]
    fields = [disclosed_fields(x.disclosures, x.digests, EVENTS, x.index) for x in lines]
    check_chains(lines, fields, whole=previous is None)
    return Contents(hashes, _tiles(files, hashes), fields, previous)


def link_of(entry: bytes, file: str) -> Checkpoint | None:
    """What the first entry holds when it stands for no event, but ties this log to another."""
    text = linked_text(entry)
    if text is None:
        return None
    try:
        previous = Checkpoint.parse(text)
    except CheckpointError as error:
        raise BundleError(Fault.LINK_FORM, file, 0) from error
    if not (previous.origin.isascii() and previous.origin.isprintable()):
        raise BundleError(Fault.LINK_FORM, file, 0)
    return previous


def _lines(data: bytes, size: int, *, start: int) -> list[EventLine]:
    """Every line an event in canonical form, at its index, with an id of its own."""
    lines: list[EventLine] = []
    ids = set()
    for index, raw in enumerate(data.splitlines(keepends=True), start):
        line = _line(raw, index)
        if line.index != index:
            raise BundleError(Fault.LINE_ORDER, EVENTS, index)
        if line.event_id in ids:
            raise BundleError(Fault.EVENT_TWICE, EVENTS, index)
        ids.add(line.event_id)
        lines.append(line)
    if len(lines) != size - start:
        raise BundleError(Fault.LINE_COUNT, EVENTS, min(start + len(lines), size))
    return lines


def _line(raw: bytes, index: int) -> EventLine:
    try:
        line = EventLine.parse(raw.decode("ascii"))
    except (UnicodeDecodeError, BundleFileError) as error:
        raise BundleError(Fault.LINE_FORM, EVENTS, index) from error
    check_digests(line.digests, EVENTS, index)
    return line


def _entries(files: Mapping[str, bytes], size: int) -> list[tuple[str, bytes]]:
    """Every entry with the name of its file."""
    return [
        (name.path, entry)
        for name in entry_bundles_of(size)
        for entry in _unpacked(files[name.path], name.path, name.width)
    ]


def _check_entries(
    entries: Sequence[tuple[str, bytes]], lines: Sequence[EventLine], altered: str | None
) -> None:
    """Each entry is the commitment to its event's digests."""
    for line in lines:
        path, entry = entries[line.index]
        if entry != entry_of(line.event_id, line.digests):
            raise BundleError(Fault.COMMITMENT, path if altered == path else EVENTS, line.index)


def _unpacked(data: bytes, path: str, width: int) -> list[bytes]:
    try:
        entries = unpack_entries(data)
    except TileError as error:
        raise BundleError(Fault.ENTRIES_FORM, path) from error
    if len(entries) != width:
        raise BundleError(Fault.ENTRIES_FORM, path)
    return entries


def _tiles(files: Mapping[str, bytes], hashes: Sequence[bytes]) -> bytes:
    """The root, after every tile has been held against one made anew from the entries."""
    edge = Edge()
    made = {(tile.level, tile.index): split_hashes(tile.hashes) for tile in edge.append(hashes)}
    for name in tiles_of(len(hashes)):
        level = name.level or 0
        ours = made.get((level, name.index)) or edge.partial(level)
        _check_tile(name.path, ours, files[name.path], name.index * TILE_WIDTH)
    return edge.root()


def _check_tile(path: str, ours: Sequence[bytes], data: bytes, start: int) -> None:
    if data == b"".join(ours):
        return
    theirs = split_hashes(data)
    same = [a == b for a, b in zip(ours, theirs, strict=False)]
    place = same.index(False) if False in same else min(len(ours), len(theirs))
    raise BundleError(Fault.TILE, path, start + place)
