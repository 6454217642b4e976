"""The inner half of verification, pure: events, entries and tiles against each other."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit.bundle_files import EVENTS, BundleFileError, EventLine
from audit.disclosure import (
    DIGESTS,
    DisclosureError,
    FieldValue,
    UncommittedError,
    check_committed,
    commitment,
    field_of,
    leaf,
)
from audit.edge import Edge
from audit.faults import BundleError, Fault
from audit.merkle import HASH_SIZE, leaf_hash
from audit.shards import linked_text
from audit.tiles import (
    TILE_WIDTH,
    TileError,
    entry_bundles_of,
    split_hashes,
    tiles_of,
    unpack_entries,
)

_FORMS = {
    "kind": re.compile(r"[a-z][a-z.-]{0,39}"),
    "at": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00"),
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What the events say, and the root that their entries give."""

    root: bytes
    fields: list[dict[str, FieldValue]]


def check_contents(files: Mapping[str, bytes], size: int, altered: str | None) -> Contents:
    """Check every event, entry and tile. Raises BundleError.

    `altered` is the file that the manifest disowns, if any: where two files contradict each
    other, it is the one to blame.
    """
    entries = _entries(files, size)
    lines = _lines(files[EVENTS], size, start=_links(entries))
    _check_entries(entries, lines, altered)
    hashes = [leaf_hash(entry) for _, entry in entries]
    fields = [_fields(line) for line in lines]
    return Contents(_tiles(files, hashes), fields)


def _links(entries: Sequence[tuple[str, bytes]]) -> int:
    """How many entries stand for no event: the first one, when it ties this log to another."""
    return int(bool(entries) and linked_text(entries[0][1]) is not None)


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
    different = set(line.digests)
    if not len(line.digests) == len(different) == DIGESTS or {*map(len, different)} != {HASH_SIZE}:
        raise BundleError(Fault.DIGESTS, EVENTS, index)
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
        if entry != _leaf(line):
            raise BundleError(Fault.COMMITMENT, path if altered == path else EVENTS, line.index)


def _leaf(line: EventLine) -> bytes:
    return leaf(commitment(line.event_id, line.digests))


def _unpacked(data: bytes, path: str, width: int) -> list[bytes]:
    try:
        entries = unpack_entries(data)
    except TileError as error:
        raise BundleError(Fault.ENTRIES_FORM, path) from error
    if len(entries) != width:
        raise BundleError(Fault.ENTRIES_FORM, path)
    return entries


def _fields(line: EventLine) -> dict[str, FieldValue]:
    """The disclosed fields, each committed to and named once."""
    fields: dict[str, FieldValue] = {}
    for disclosure in line.disclosures:
        try:
            name, value = field_of(disclosure)
            check_committed(name, disclosure, line.digests)
        except UncommittedError as error:
            raise BundleError(Fault.DISCLOSURE, EVENTS, line.index) from error
        except DisclosureError as error:
            raise BundleError(Fault.DISCLOSURE_FORM, EVENTS, line.index) from error
        if name in fields:
            raise BundleError(Fault.NAME_TWICE, EVENTS, line.index)
        if not _is_well_formed(name, value):
            raise BundleError(Fault.FIELD_FORM, EVENTS, line.index)
        fields[name] = value
    return fields


def _is_well_formed(name: str, value: FieldValue) -> bool:
    """What the report shows on a terminal must not be able to write over what it says there."""
    form = _FORMS.get(name)
    return form is None or (isinstance(value, str) and form.fullmatch(value) is not None)


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
