"""Time stamps in an export: of this log, by an authority that the reader trusts, or refused."""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from audit.__main__ import main
from audit.bundle import write_bundle
from audit.container import pack, unpack
from audit.database import open_engine
from audit.faults import BundleError, Fault
from audit.note import split_note
from audit.proofs import checkpoint_at, log_state
from audit.published import verify_published
from audit.sequencer import Sequencer
from audit.store import metadata
from audit.store.timestamping import TimestampRow, insert_timestamp
from audit.timestamp import Request
from audit.trust import Trust
from audit.unit_of_work import Ledger
from audit.verify import verify_bundle
from connectors.demo_tsa.authority import DemoTimestampAuthority
from tests.audit.exported import Files, resigned
from tests.audit.sample import LOG, NOW, record, signer, signers
from tests.authority import ONLY_STAMPS, Holder, certified, new_key
from tests.wrapping import MemoryWrapper

ROOT = certified("Root", NOW)
OTHER_ROOT = certified("Other", NOW)
HOLDER = certified("Time", NOW, ROOT, usages=ONLY_STAMPS)
AUTHORITY = DemoTimestampAuthority(HOLDER.key, HOLDER.certificate)
TRUST = Trust(Trust.of(signer().vkey).keys, authorities=(ROOT.certificate,))
NOTE, TOKEN = "timestamps/3/checkpoint", "timestamps/3/0.tsr"
NEXT_DAY = ("timestamps/5/checkpoint", "timestamps/5/0.tsr")


SIGNED = ((2, NOW), (3, NOW + timedelta(hours=3)), (5, NOW + timedelta(days=1)))
"""At which sizes the log was signed and stamped, and when."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Six events; the log stamped at two of them, at three, and on the next day at five."""
    folder = tmp_path_factory.mktemp("log")
    ledger = Ledger(open_engine(f"sqlite:///{folder / 'log.db'}"), MemoryWrapper())
    metadata.create_all(ledger.engine)
    sequencer = Sequencer(ledger, signers())
    for size, at in SIGNED:
        record(ledger, size - placed(ledger), now=at)
        sequencer.run_once(at)
        stamp(ledger, size, at)
    record(ledger, 1, now=at + timedelta(hours=1))
    sequencer.run_once(at + timedelta(hours=1))
    with ledger.read() as connection:
        made = write_bundle(connection, ledger, signers=signers())
    ledger.engine.dispose()
    return made


def placed(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return log_state(connection).size


def stamp(ledger: Ledger, size: int, at: datetime) -> None:
    with ledger.read() as connection:
        note = checkpoint_at(connection, size, log=LOG)
    assert note is not None
    answer = AUTHORITY.answer(bytes(Request(note, 7)), at)
    with ledger.writer.unaccounted_transaction() as connection:
        insert_timestamp(connection, TimestampRow(LOG, size, "demo", at), answer)


@pytest.fixture
def files(bundle: bytes) -> Files:
    return unpack(bundle)


def fault(data: bytes) -> tuple[Fault, str | None]:
    with pytest.raises(BundleError) as error:
        verify_bundle(data, trust=TRUST)
    return error.value.fault, error.value.file


def test_the_newest_stamp_of_each_day_is_in_the_export_and_is_told(bundle: bytes) -> None:
    held = {name for name in unpack(bundle) if name.startswith("timestamps")}
    assert held == {NOTE, TOKEN, *NEXT_DAY}
    report = verify_bundle(bundle, trust=TRUST)
    assert [(each.size, each.at, each.authority) for each in report.stamps] == [
        (3, NOW + timedelta(hours=3), "CN=Time"),
        (5, NOW + timedelta(days=1), "CN=Time"),
    ]
    assert "Stamped at 3 entries on 2026-11-24T12:00:00+00:00 by CN=Time" in str(report)
    assert report.to_json()["stamps"][0]["at"] == "2026-11-24T12:00:00+00:00"


def test_times_that_fit_the_stamps_are_told(bundle: bytes) -> None:
    report = verify_bundle(bundle, trust=TRUST)
    assert "The times of 6 entries agree with when others saw the log" in str(report)
    assert report.to_json()["times_checked"] == 6
    without = verify_bundle(bundle, vkey=signer().vkey)
    assert "agree with" not in str(without)
    assert without.to_json()["times_checked"] == 0


@pytest.mark.parametrize(
    ("size", "hours", "expected", "entry"),
    [
        (3, -1, Fault.POSTDATED, 0),
        (3, 26, Fault.BACKDATED, 3),
        (5, 23, Fault.POSTDATED, 3),
        (5, 26, Fault.BACKDATED, 5),
    ],
)
def test_an_entry_whose_time_does_not_fit_the_stamps_is_named(
    files: Files, size: int, hours: int, expected: Fault, entry: int
) -> None:
    """As if the authority had stamped the log at another time: the entries then lie about it."""
    at = NOW + timedelta(hours=hours)
    name = f"timestamps/{size}"
    files[f"{name}/0.tsr"] = AUTHORITY.answer(bytes(Request(files[f"{name}/checkpoint"], 7)), at)
    with pytest.raises(BundleError) as error:
        verify_bundle(resigned(files), trust=TRUST)
    found = error.value
    assert (found.fault, found.file, found.entry) == (expected, "events.jsonl", entry)
    assert verify_bundle(resigned(files), vkey=signer().vkey).size == 6  # nobody else is believed


@pytest.fixture
def mirror(files: Files, tmp_path: Path) -> Path:
    """The log as it is published, with the stamps of two days beside it."""
    for name, data in files.items():
        if name.startswith(("tile/", "timestamps/")) or name == "checkpoint":
            (tmp_path / "mirror" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "mirror" / name).write_bytes(data)
    return tmp_path / "mirror"


def test_stamps_beside_a_published_log_are_told(
    mirror: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "roots.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    (mirror / "timestamps/3/notes.txt").write_text("what the auditor has written down there")
    asked = ["verify", str(mirror), "--vkey", signer().vkey]
    assert main(asked) == 0
    assert "was not checked: no authority is named" in capsys.readouterr().out
    assert main([*asked, "--tsa-roots", str(tmp_path / "roots.pem")]) == 0
    told = capsys.readouterr().out
    assert "Stamped at 3 entries on 2026-11-24T12:00:00+00:00 by CN=Time" in told
    assert "has stamped it" not in told


def test_a_stamp_of_something_else_beside_a_published_log_is_named(mirror: Path) -> None:
    (mirror / TOKEN).write_bytes(AUTHORITY.answer(bytes(Request(b"another note", 7)), NOW))
    with pytest.raises(BundleError) as error:
        verify_published(mirror, TRUST)
    assert (error.value.fault, error.value.file) == (Fault.TIMESTAMP, TOKEN)


def test_without_roots_a_stamp_counts_for_nothing_and_that_is_told(bundle: bytes) -> None:
    report = verify_bundle(bundle, vkey=signer().vkey)
    assert report.stamps[0].at is None
    assert "was not checked: no authority is named (--tsa-roots)" in str(report)
    assert report.to_json()["stamps"][0]["at"] is None


def test_a_stamp_by_an_authority_that_the_reader_does_not_name_counts_for_nothing(
    bundle: bytes,
) -> None:
    report = verify_bundle(bundle, trust=Trust(authorities=(OTHER_ROOT.certificate,)))
    assert report.stamps[0].at is None
    assert "was not checked: its authority is under none of the roots named" in str(report)


def test_a_stamp_by_a_forger_under_the_right_name_is_refused(files: Files) -> None:
    forger = certified("Time", NOW, Holder(new_key(), ROOT.certificate), usages=ONLY_STAMPS)
    forged = DemoTimestampAuthority(forger.key, forger.certificate)
    files[TOKEN] = forged.answer(bytes(Request(files[NOTE], 7)), NOW)
    assert fault(resigned(files)) == (Fault.TIMESTAMP, TOKEN)


def test_the_stamped_checkpoint_may_be_signed_by_a_key_that_nobody_knows_any_more(
    files: Files,
) -> None:
    files[NOTE] = signers(seed=9).sign(LOG, split_note(files[NOTE])[0], NOW)
    at = NOW + timedelta(hours=4)
    files[TOKEN] = AUTHORITY.answer(bytes(Request(files[NOTE], 7)), at)
    assert verify_bundle(resigned(files), trust=TRUST).stamps[0].at == at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no checkpoint\n", Fault.CHECKPOINT_FORM),
        (f"other.example/log\n3\n{'A' * 43}=\n", Fault.OTHER_LOG),
        (f"{signers().origin(LOG)}\n7\n{'A' * 43}=\n", Fault.SHRUNK),
    ],
)
def test_a_stamped_note_that_is_no_checkpoint_of_this_log_is_named(
    files: Files, text: str, expected: Fault
) -> None:
    files[NOTE] = signer().sign(text)
    assert fault(resigned(files)) == (expected, NOTE)


def test_what_was_stamped_must_be_a_note(files: Files) -> None:
    files[NOTE] = b"nothing"
    assert fault(resigned(files)) == (Fault.CHECKPOINT_FORM, NOTE)


def test_a_stamp_without_its_checkpoint_is_named(files: Files) -> None:
    del files[NOTE]
    assert fault(resigned(files)) == (Fault.MISSING, NOTE)


def test_a_stamp_of_another_size_than_its_folder_says_is_named(files: Files) -> None:
    files["timestamps/4/checkpoint"] = files.pop(NOTE)
    files["timestamps/4/0.tsr"] = files.pop(TOKEN)
    assert fault(resigned(files)) == (Fault.TIMESTAMP, "timestamps/4/checkpoint")


def test_a_stamp_of_another_note_is_refused(files: Files) -> None:
    files[TOKEN] = AUTHORITY.answer(bytes(Request(b"another note", 7)), NOW)
    assert fault(resigned(files)) == (Fault.TIMESTAMP, TOKEN)


def test_a_stamped_checkpoint_must_be_of_this_history(files: Files) -> None:
    forged = signers().sign(LOG, f"{signers().origin(LOG)}\n3\n{'A' * 43}=\n", NOW)
    files[NOTE] = forged
    assert fault(resigned(files)) == (Fault.FORKED, NOTE)


@pytest.mark.parametrize(
    "name",
    [
        "timestamps/3/x.tsr",
        "timestamps/0/0.tsr",
        "timestamps/3/00.tsr",
        "timestamps/3/100.tsr",
        "timestamps/2/checkpoint",
    ],
)
def test_a_file_beside_the_stamps_is_unknown(files: Files, name: str) -> None:
    files[name] = b""
    assert fault(resigned(files)) == (Fault.UNKNOWN_FILE, name)


def test_the_command_takes_the_roots(
    bundle: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, roots = tmp_path / "log.zip", tmp_path / "roots.pem"
    file.write_bytes(bundle)
    roots.write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    assert main(["verify", str(file), "--tsa-roots", str(roots)]) == 0
    told = capsys.readouterr().out
    assert "Stamped at 3 entries" in told
    assert "has stamped it" not in told
    roots.write_text("no roots")
    assert main(["verify", str(file), "--tsa-roots", str(roots)]) == 2
    assert "--tsa-roots" in capsys.readouterr().err


def test_an_export_without_a_stamp_says_so_to_whoever_names_authorities(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roots, bare = tmp_path / "roots.pem", tmp_path / "bare.zip"
    roots.write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    for name in (NOTE, TOKEN, *NEXT_DAY):
        del files[name]
    bare.write_bytes(resigned(files))
    assert main(["verify", str(bare), "--tsa-roots", str(roots)]) == 0
    assert "No authority that you name has stamped it" in capsys.readouterr().out
    assert main(["verify", str(bare)]) == 0
    assert "has stamped it" not in capsys.readouterr().out


def test_where_the_library_is_missing_the_report_says_so(
    bundle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    report = verify_bundle(bundle, trust=TRUST)
    assert "was not checked: the package rfc3161-client is not installed" in str(report)


def test_nothing_of_a_stamp_is_free(files: Files) -> None:
    files[TOKEN] += b"\0"
    with pytest.raises(BundleError) as error:
        verify_bundle(pack(files), trust=TRUST)
    assert error.value.file == TOKEN
