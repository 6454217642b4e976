"""Verification of an export: every change is found, and named by file and entry."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.bundle import write_bundle
from audit.bundle_files import EventLine, manifest_text
from audit.checkpoint import Checkpoint
from audit.container import pack, unpack
from audit.database import open_engine
from audit.disclosure import commitment, digest, disclose, field_of, leaf
from audit.edge import Edge
from audit.erasure import destroy_log_key
from audit.faults import BundleError, Fault
from audit.merkle import leaf_hash
from audit.model import SYSTEM, Event, Kind
from audit.sequencer import Sequencer
from audit.store import metadata
from audit.tiles import pack_entries, unpack_entries
from audit.unit_of_work import Ledger, begin
from audit.verify import verify_bundle
from tests.audit.sample import AINO, MATTI, NOW, ORIGIN, record, signer, viewed
from tests.wrapping import MemoryWrapper

Files = dict[str, bytes]
TILE, ENTRIES = "tile/0/000.p/3", "tile/entries/000.p/3"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three events: two about Aino, one about nobody."""
    folder = tmp_path_factory.mktemp("log")
    ledger = Ledger(open_engine(f"sqlite:///{folder / 'log.db'}"), MemoryWrapper())
    metadata.create_all(ledger.engine)
    record(ledger, 2)
    record(ledger, happened=Event(kind=Kind.LOG_SEARCHED))
    Sequencer(ledger, signer()).run_once(NOW)
    with ledger.read() as connection:
        made = write_bundle(connection, ledger, signer=signer())
    ledger.engine.dispose()
    return made


@pytest.fixture
def files(bundle: bytes) -> Files:
    return unpack(bundle)


def resigned(files: Files, seed: int = 1) -> bytes:
    """The bundle after an operator with the log's key has made it consistent again."""
    rest = {name: data for name, data in files.items() if name != "manifest"}
    manifest = signer(seed).sign(manifest_text(ORIGIN, rest))
    return pack(rest | {"manifest": manifest})


def fault_of(data: bytes | Path, vkey: str | None = None) -> BundleError:
    with pytest.raises(BundleError) as error:
        verify_bundle(data, vkey=vkey)
    return error.value


def test_an_export_verifies(bundle: bytes) -> None:
    report = verify_bundle(bundle, vkey=signer().vkey)
    assert (report.origin, report.size, report.closed) == (ORIGIN, 3, 0)
    assert report.kinds == {"data.viewed": 2, "log.searched": 1}
    assert not report.key_from_bundle
    assert report.first_at == report.last_at == "2026-11-24T09:00:00.000000+00:00"


def test_the_report_says_when_it_took_the_key_from_the_bundle(bundle: bytes) -> None:
    report = verify_bundle(bundle)
    assert report.key_from_bundle
    assert "taken from the bundle itself" in str(report)
    assert "taken from the bundle itself" not in str(verify_bundle(bundle, vkey=signer().vkey))


def test_the_report_says_what_the_log_tells(bundle: bytes) -> None:
    text = str(verify_bundle(bundle))
    assert f"The log {ORIGIN} verifies: 3 entries" in text
    assert "       2  data.viewed" in text
    assert "From 2026-11-24" in text


def test_a_file_and_an_unpacked_folder_verify(bundle: bytes, tmp_path: Path) -> None:
    file = tmp_path / "log.zip"
    file.write_bytes(bundle)
    with zipfile.ZipFile(file) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert verify_bundle(file) == verify_bundle(tmp_path / "unpacked") == verify_bundle(bundle)


def test_the_manifest_satisfies_sha256sum(bundle: bytes, tmp_path: Path) -> None:
    for name, data in unpack(bundle).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    lines = (tmp_path / "manifest").read_text().split("\n\n")[0].split("\n")[2:]
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet"],
        input="\n".join(lines) + "\n",
        cwd=tmp_path,
        text=True,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (0, "")


def place_of(files: Files, place: int) -> tuple[str, int] | None:
    """The file and offset at which a byte of the container is content."""
    start = 0
    for name in sorted(files):
        start += 30 + len(name)
        if start <= place < start + len(files[name]):
            return name, place - start
        start += len(files[name])
    return None


def entry_at(files: Files, name: str, offset: int) -> int:
    """The entry to which a byte of a file belongs."""
    if name == "events.jsonl":
        return files[name][:offset].count(b"\n")
    return offset // 32 if name == TILE else offset // 68


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_every_byte_counts_and_its_place_is_named(bundle: bytes, files: Files, part: int) -> None:
    for place in range(part, len(bundle), 8):
        changed = bytearray(bundle)
        changed[place] ^= 1 << (place // 8) % 8
        error = fault_of(bytes(changed))
        where = place_of(files, place)
        if where is not None:
            name, offset = where
            assert error.file == name, (place, str(error))
            if name in {"events.jsonl", TILE, ENTRIES} and error.entry is not None:
                assert abs(error.entry - entry_at(files, name, offset)) <= 1
            if name == TILE:
                assert error.entry == entry_at(files, name, offset)


@pytest.mark.parametrize("length", range(0, 6000, 61))
def test_a_cut_export_is_refused(bundle: bytes, length: int) -> None:
    assert fault_of(bundle[: min(length, len(bundle) - 1)]).fault in {
        Fault.CONTAINER,
        Fault.MISSING,
    }


@pytest.mark.parametrize(
    "name", ["checkpoint", "events.jsonl", "log.vkey", "manifest", TILE, ENTRIES]
)
@pytest.mark.parametrize("again", [True, False])
def test_a_missing_file_is_named(files: Files, name: str, again: bool) -> None:
    del files[name]
    again = again and name != "manifest"
    error = fault_of(resigned(files) if again else pack(files))
    assert (error.fault, error.file) == (Fault.MISSING, name)


@pytest.mark.parametrize("name", ["notes.txt", "tile/0/001", "tile/1/000.p/1", "tile/0/000.p/2"])
@pytest.mark.parametrize("again", [True, False])
def test_a_file_too_many_is_named(files: Files, name: str, again: bool) -> None:
    files[name] = b"more"
    error = fault_of(resigned(files) if again else pack(files))
    assert (error.fault, error.file) == (Fault.UNKNOWN_FILE, name)


def test_swapped_files_are_named(files: Files) -> None:
    files[TILE], files[ENTRIES] = files[ENTRIES], files[TILE]
    assert fault_of(pack(files)).file == ENTRIES


def test_an_export_by_another_key_is_refused(files: Files) -> None:
    error = fault_of(pack(files), vkey=signer(2).vkey)
    assert (error.fault, error.file) == (Fault.OTHER_KEY, "log.vkey")


def test_a_key_put_into_the_export_does_not_sign_the_rest(files: Files) -> None:
    files["log.vkey"] = f"{signer(2).vkey}\n".encode()
    assert fault_of(pack(files)).fault is Fault.MANIFEST_SIGNATURE
    assert fault_of(resigned(files, 2)).fault is Fault.CHECKPOINT_SIGNATURE


@pytest.mark.parametrize("form", ["{}", "{}\n\n", " {}\n", "\xff{}\n", "nonsense"])
def test_a_key_in_another_form_is_refused(files: Files, form: str) -> None:
    files["log.vkey"] = form.format(signer().vkey).encode("latin-1")
    error = fault_of(pack(files))
    assert (error.fault, error.file) == (Fault.VKEY_FORM, "log.vkey")


def test_a_line_of_a_stranger_in_the_manifest_is_refused(files: Files) -> None:
    stranger = "\N{EM DASH} witness.example AAAAAAAAAAAA\n"
    files["manifest"] += stranger.encode()
    assert fault_of(pack(files)).fault is Fault.MANIFEST_SIGNATURE


def test_a_witness_may_have_signed_the_checkpoint(files: Files) -> None:
    files["checkpoint"] += "\N{EM DASH} witness.example AAAAAAAAAAAA\n".encode()
    assert verify_bundle(resigned(files)).size == 3


def test_a_manifest_of_another_kind_is_refused(files: Files) -> None:
    files["manifest"] = signer().sign("something else\n")
    error = fault_of(pack(files))
    assert (error.fault, error.file) == (Fault.MANIFEST_FORM, "manifest")


def test_a_checkpoint_of_another_form_is_refused(files: Files) -> None:
    files["checkpoint"] = signer().sign("something else\n")
    assert fault_of(resigned(files)).fault is Fault.CHECKPOINT_FORM


def test_a_checkpoint_with_another_root_is_refused(files: Files) -> None:
    files["checkpoint"] = signer().sign(str(Checkpoint(ORIGIN, 3, bytes(32))))
    error = fault_of(resigned(files))
    assert (error.fault, error.file) == (Fault.ROOT, "checkpoint")


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
    return replaced(line, disclosures=(*line.disclosures, *disclose({"kind": "data.released"})))


def malformed(line: EventLine) -> EventLine:
    return replaced(line, disclosures=("AAAA",))


def unsorted(line: EventLine) -> EventLine:
    return replaced(line, digests=line.digests[::-1])


def short_digest(line: EventLine) -> EventLine:
    return replaced(line, digests=(b"", *line.digests))


def no_digests(line: EventLine) -> EventLine:
    return replaced(line, digests=(), disclosures=())


def another_index(line: EventLine) -> EventLine:
    return replaced(line, index=2)


FORGERIES: list[tuple[Callable[[EventLine], EventLine], Fault]] = [
    (twice, Fault.NAME_TWICE),
    (invented, Fault.DISCLOSURE),
    (malformed, Fault.DISCLOSURE_FORM),
    (unsorted, Fault.DIGESTS),
    (short_digest, Fault.DIGESTS),
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


def test_one_name_in_two_disclosures_is_refused(files: Files) -> None:
    lines = lines_of(files)
    kept = lines[1].disclosures[0]
    (more,) = disclose({field_of(kept)[0]: "another value"})
    digests = tuple(sorted([digest(kept), digest(more)]))
    lines[1] = replaced(lines[1], digests=digests, disclosures=(kept, more))
    error = fault_of(rebuilt(files, lines))
    assert (error.fault, error.entry) == (Fault.NAME_TWICE, 1)


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


def test_a_missing_path_is_a_named_fault(tmp_path: Path) -> None:
    error = fault_of(tmp_path / "nowhere.zip")
    assert (error.fault, error.file) == (Fault.UNREADABLE, "nowhere.zip")


def test_a_link_in_an_unpacked_folder_is_refused(bundle: bytes, tmp_path: Path) -> None:
    for name, data in unpack(bundle).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "link").symlink_to(tmp_path / "checkpoint")
    error = fault_of(tmp_path)
    assert (error.fault, error.file) == (Fault.UNKNOWN_FILE, "link")


def test_the_message_names_file_entry_and_fault() -> None:
    assert str(BundleError(Fault.TILE, "tile/0/000", 7)) == f"tile/0/000, entry 7: {Fault.TILE}"
    assert str(BundleError(Fault.CONTAINER, None)) == f"the bundle: {Fault.CONTAINER}"


def test_a_log_with_full_tiles_and_a_destroyed_key_verifies(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    record(ledger, 300)
    record(ledger, 2, happened=viewed(MATTI))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        destroy_log_key(uow, AINO, period="2026")
    sequencer.run_once(NOW)
    with ledger.read() as connection:
        made = write_bundle(connection, ledger, signer=signer())
    report = verify_bundle(made, vkey=signer().vkey)
    assert (report.size, report.closed) == (303, 300)
    assert report.kinds == {"data.viewed": 2, "keys.destroyed": 1}
    assert "     300  closed" in str(report)
    full = unpack(made)
    tile = full["tile/0/000"]
    full["tile/0/000"] = tile[:-1] + bytes([tile[-1] ^ 1])
    assert (fault_of(pack(full)).file, fault_of(pack(full)).entry) == ("tile/0/000", 255)


def test_a_log_of_which_nothing_opens_verifies(ledger: Ledger, sequencer: Sequencer) -> None:
    record(ledger)
    sequencer.run_once(NOW)
    with ledger.read() as connection:
        made = write_bundle(connection, ledger, signer=signer(), may_open=lambda _owner: False)
    report = verify_bundle(made)
    assert (report.kinds, report.closed, report.first_at) == ({}, 1, None)
    assert "From" not in str(report)


def test_verification_loads_neither_database_nor_network() -> None:
    code = "import audit.verify, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"sqlalchemy", "sqlite3", "psycopg", "socket", "ssl", "http", "asyncio"}
