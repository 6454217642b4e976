"""Forged events, entries and tiles: what even the log's own key cannot make right."""

from collections.abc import Callable

import pytest

from audit.bundle_files import EventLine
from audit.checkpoint import Checkpoint
from audit.container import pack
from audit.disclosure import FIELDS, commitment, digest, disclose, leaf
from audit.edge import Edge
from audit.faults import Fault
from audit.merkle import leaf_hash
from audit.tiles import pack_entries, unpack_entries
from audit.verify import verify_bundle
from tests.audit.exported import ENTRIES, TILE, Files, fault_of, resigned
from tests.audit.sample import AINO, ORIGIN, signer


def lines_of(files: Files) -> list[EventLine]:
    return [EventLine.parse(each) for each in files["events.jsonl"].decode().splitlines(True)]


def with_lines(files: Files, lines: list[EventLine]) -> Files:
    return files | {"events.jsonl": "".join(map(str, lines)).encode()}


def rebuilt(files: Files, lines: list[EventLine]) -> bytes:
    """The log as an operator with the key would forge it: everything made to fit the lines."""
    entries = [leaf(commitment(each.event_id, each.digests)) for each in lines]
    edge = Edge()
    edge.append(map(leaf_hash, entries))
    checkpoint = signer().sign(str(Checkpoint(ORIGIN, len(lines), edge.root())))
    forged = {
        "checkpoint": checkpoint,
        ENTRIES: pack_entries(entries),
        TILE: b"".join(edge.partial(0)),
    }
    return resigned(with_lines(files | forged, lines))


def replaced(line: EventLine, **members: object) -> EventLine:
    kept = {name: getattr(line, name) for name in EventLine.__slots__}
    return EventLine(**(kept | members))


def twice(line: EventLine) -> EventLine:
    return replaced(line, disclosures=(*line.disclosures, line.disclosures[0]))


def invented(line: EventLine) -> EventLine:
    more = disclose({"reason": "none"}).values()
    return replaced(line, disclosures=(*line.disclosures, *more))


def in_place(line: EventLine, disclosure: str, place: int) -> EventLine:
    """An event that commits at a place to a disclosure, and discloses that one only."""
    digests = (*line.digests[:place], digest(disclosure), *line.digests[place + 1 :])
    return replaced(line, digests=digests, disclosures=(disclosure,))


def another_story(line: EventLine) -> EventLine:
    """A second kind committed to where a decoy should stand, for another reader's eyes."""
    (kind,) = disclose({"kind": "data.released"}).values()
    return in_place(line, kind, len(line.digests) - 1)


def unknown_name(line: EventLine) -> EventLine:
    (nickname,) = disclose({"nickname": "x"}).values()
    return in_place(line, nickname, 0)


def wiping(line: EventLine) -> EventLine:
    """A kind that clears the terminal's line above it."""
    (kind,) = disclose({"kind": "x\x1b[1A\x1b[2K"}).values()
    return in_place(line, kind, FIELDS.index("kind"))


def many_kinds(line: EventLine) -> EventLine:
    (kind,) = disclose({"kind": ["data.viewed"]}).values()
    return in_place(line, kind, FIELDS.index("kind"))


def at_noon(line: EventLine) -> EventLine:
    (at,) = disclose({"at": "2026-11-24 12:00"}).values()
    return in_place(line, at, FIELDS.index("at"))


def on_no_day(line: EventLine) -> EventLine:
    (at,) = disclose({"at": "2026-02-30T12:00:00.000000+00:00"}).values()
    return in_place(line, at, FIELDS.index("at"))


def malformed(line: EventLine) -> EventLine:
    return replaced(line, disclosures=("AAAA",))


def reordered(line: EventLine) -> EventLine:
    return replaced(line, digests=line.digests[::-1])


def short_digest(line: EventLine) -> EventLine:
    return replaced(line, digests=(b"", *line.digests[1:]))


def one_digest_more(line: EventLine) -> EventLine:
    return replaced(line, digests=(*line.digests, bytes(32)))


def one_digest_less(line: EventLine) -> EventLine:
    return replaced(line, digests=line.digests[:-1])


def one_digest_twice(line: EventLine) -> EventLine:
    return replaced(line, digests=(*line.digests[:-1], line.digests[0]))


def no_digests(line: EventLine) -> EventLine:
    return replaced(line, digests=(), disclosures=())


def another_index(line: EventLine) -> EventLine:
    return replaced(line, index=2)


def test_an_event_may_be_disclosed_in_part(files: Files) -> None:
    lines = lines_of(files)
    lines[1] = replaced(lines[1], disclosures=lines[1].disclosures[2:])
    report = verify_bundle(rebuilt(files, lines))
    assert (report.closed, report.kinds) == (1, {"data.viewed": 1, "log.searched": 1})


FORGERIES: list[tuple[Callable[[EventLine], EventLine], Fault]] = [
    (twice, Fault.NAME_TWICE),
    (invented, Fault.DISCLOSURE),
    (malformed, Fault.DISCLOSURE_FORM),
    (another_story, Fault.DISCLOSURE),
    (unknown_name, Fault.DISCLOSURE_FORM),
    (wiping, Fault.FIELD_FORM),
    (many_kinds, Fault.FIELD_FORM),
    (at_noon, Fault.FIELD_FORM),
    (on_no_day, Fault.FIELD_FORM),
    (reordered, Fault.DISCLOSURE),
    (short_digest, Fault.DIGESTS),
    (one_digest_more, Fault.DIGESTS),
    (one_digest_less, Fault.DIGESTS),
    (one_digest_twice, Fault.DIGESTS),
    (no_digests, Fault.DIGESTS),
    (another_index, Fault.LINE_ORDER),
]


@pytest.mark.parametrize(("forge", "fault"), FORGERIES)
def test_what_even_the_key_of_the_log_cannot_make_right(
    files: Files, forge: Callable[[EventLine], EventLine], fault: Fault
) -> None:
    lines = lines_of(files)
    lines[1] = forge(lines[1])
    error = fault_of(rebuilt(files, lines))
    assert (error.fault, error.file, error.entry) == (fault, "events.jsonl", 1)


def test_an_event_that_stands_twice_is_refused(files: Files) -> None:
    lines = lines_of(files)
    lines[2] = replaced(lines[1], index=2)
    error = fault_of(rebuilt(files, lines))
    assert (error.fault, error.entry) == (Fault.EVENT_TWICE, 2)


def test_an_event_left_out_is_noticed(files: Files) -> None:
    error = fault_of(resigned(with_lines(files, lines_of(files)[:2])))
    assert (error.fault, error.file, error.entry) == (Fault.LINE_COUNT, "events.jsonl", 2)


def test_a_line_that_is_no_event_is_named(files: Files) -> None:
    files["events.jsonl"] = files["events.jsonl"].replace(b'{"index":1', b'{"index": 1')
    error = fault_of(resigned(files))
    assert (error.fault, error.entry) == (Fault.LINE_FORM, 1)


def test_events_in_another_order_are_noticed(files: Files) -> None:
    first, second, third = lines_of(files)
    swapped = [replaced(second, index=0), replaced(first, index=1), third]
    error = fault_of(resigned(with_lines(files, swapped)))
    assert (error.fault, error.file, error.entry) == (Fault.COMMITMENT, "events.jsonl", 0)


def test_another_id_for_an_event_is_noticed(files: Files) -> None:
    lines = lines_of(files)
    lines[1] = replaced(lines[1], event_id=AINO)
    error = fault_of(resigned(with_lines(files, lines)))
    assert (error.fault, error.entry) == (Fault.COMMITMENT, 1)


def test_an_entry_that_is_not_the_events_is_noticed(files: Files) -> None:
    entries = unpack_entries(files[ENTRIES])
    entries[2] = leaf(bytes(32))
    files[ENTRIES] = pack_entries(entries)
    assert fault_of(resigned(files)).entry == 2
    error = fault_of(pack(files))
    assert (error.fault, error.file, error.entry) == (Fault.COMMITMENT, ENTRIES, 2)


@pytest.mark.parametrize("cut", [slice(0, 1), slice(0, 68), slice(0, 203)])
def test_a_cut_bundle_of_entries_is_named(files: Files, cut: slice) -> None:
    files[ENTRIES] = files[ENTRIES][cut]
    error = fault_of(resigned(files))
    assert (error.fault, error.file) == (Fault.ENTRIES_FORM, ENTRIES)


@pytest.mark.parametrize(("cut", "entry"), [(slice(0, 32), 1), (slice(0, 95), 2)])
def test_a_cut_tile_is_named(files: Files, cut: slice, entry: int) -> None:
    files[TILE] = files[TILE][cut]
    error = fault_of(resigned(files))
    assert (error.fault, error.file, error.entry) == (Fault.TILE, TILE, entry)


def test_a_file_that_only_the_manifest_contradicts_is_named(files: Files) -> None:
    # A field taken away from a line: all that is left still verifies.
    lines = lines_of(files)
    lines[1] = replaced(lines[1], disclosures=lines[1].disclosures[1:])
    error = fault_of(pack(with_lines(files, lines)))
    assert (error.fault, error.file) == (Fault.FILE_DIGEST, "events.jsonl")
