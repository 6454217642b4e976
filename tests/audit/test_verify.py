"""Verification of an export: every change is found, and named by file and entry."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from audit.bundle import write_bundle
from audit.checkpoint import Checkpoint
from audit.container import pack, unpack
from audit.erasure import destroy_log_key
from audit.faults import BundleError, Fault
from audit.model import SYSTEM
from audit.note import NoteSigner
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from audit.verify import verify_bundle
from tests.audit.exported import ENTRIES, TILE, Files, fault_of, resigned
from tests.audit.sample import AINO, MATTI, NOW, ORIGIN, record, signer, signers, viewed


def test_an_export_verifies(bundle: bytes) -> None:
    report = verify_bundle(bundle, vkey=signer().vkey)
    assert (report.origin, report.size, report.closed) == (ORIGIN, 3, 0)
    assert report.kinds == {"data.viewed": 2, "log.searched": 1}
    assert not report.key_from_bundle
    assert report.first_at == report.last_at == "2026-11-24T09:00:00.000000+00:00"


def test_the_report_says_when_it_took_the_key_from_the_bundle(bundle: bytes) -> None:
    report = verify_bundle(bundle)
    assert report.key_from_bundle
    assert "taken from the log itself" in str(report)
    assert "taken from the log itself" not in str(verify_bundle(bundle, vkey=signer().vkey))


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


def test_a_byte_that_no_file_holds_counts_too(bundle: bytes) -> None:
    changed = bytearray(bundle)
    changed[10] ^= 1  # the time of the first file
    error = fault_of(bytes(changed))
    assert (error.fault, error.file) == (Fault.CONTAINER, "checkpoint")


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


def test_a_pipe_in_an_unpacked_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "checkpoint")
    error = fault_of(tmp_path)
    assert (error.fault, error.file) == (Fault.UNKNOWN_FILE, "checkpoint")


@pytest.mark.parametrize("name", ["\x1b[2K", "Notes.txt", "\u202etxt"])
def test_a_name_that_could_write_over_the_report_is_shown_escaped(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"")
    error = fault_of(tmp_path)
    assert (error.fault, error.file) == (Fault.FILE_NAME, ascii(name))
    assert str(error).isprintable()


@pytest.mark.parametrize("size", [2**20, 2**62])
def test_a_size_that_no_bundle_has_costs_no_time(files: Files, size: int) -> None:
    files["checkpoint"] = signer().sign(str(Checkpoint(ORIGIN, size, bytes(32))))
    error = fault_of(resigned(files))
    assert (error.fault, error.file) == (Fault.MISSING, "tile/0/000")


@pytest.mark.parametrize("origin", ["log\x9b2K.example", "log\u202e.example", "l\u00f6g.example"])
def test_an_origin_that_could_write_over_the_report_is_refused(files: Files, origin: str) -> None:
    key = NoteSigner(origin, signer()._key)
    files["log.vkey"] = f"{key.vkey}\n".encode()
    assert fault_of(pack(files)).fault is Fault.VKEY_FORM


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
        made = write_bundle(connection, ledger, signers=signers())
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
        made = write_bundle(connection, ledger, signers=signers(), may_open=lambda _owner: False)
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
