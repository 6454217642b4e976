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
    lines = _lines(files[EVENTS], size)
    hashes = _entries(files, lines, altered)
    fields = [_fields(line) for line in lines]
    return Contents(_tiles(files, hashes), fields)


def _lines(data: bytes, size: int) -> list[EventLine]:
    """Every line an event in canonical form, at its index, with an id of its own."""
    lines: list[EventLine] = []
    ids = set()
    for index, raw in enumerate(data.splitlines(keepends=True)):
        line = _line(raw, index)
        if line.index != index:
            raise BundleError(Fault.LINE_ORDER, EVENTS, index)
        if line.event_id in ids:
            raise BundleError(Fault.EVENT_TWICE, EVENTS, index)
        ids.add(line.event_id)
        lines.append(line)
    if len(lines) != size:
        raise BundleError(Fault.LINE_COUNT, EVENTS, min(len(lines), size))
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


def _entries(
    files: Mapping[str, bytes], lines: Sequence[EventLine], altered: str | None
) -> list[bytes]:
    """The leaf hashes; each entry is the commitment to its event's digests."""
    hashes: list[bytes] = []
    for name in entry_bundles_of(len(lines)):
        entries = _unpacked(files[name.path], name.path, name.width)
        for entry in entries:
            index = len(hashes)
            if entry != _leaf(lines[index]):
                blamed = name.path if altered == name.path else EVENTS
                raise BundleError(Fault.COMMITMENT, blamed, index)
            hashes.append(leaf_hash(entry))
    return hashes


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
