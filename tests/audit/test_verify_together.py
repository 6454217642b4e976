"""Several files of one log: each may verify alone, and together they must say one thing."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.__main__ import main
from audit.bundle import write_bundle
from audit.bundle_files import EVENTS, MANIFEST, EventLine, manifest_text
from audit.checkpoint import Checkpoint
from audit.container import pack, unpack
from audit.cosignature import Ed25519Cosigner
from audit.database import open_engine
from audit.edge import Edge
from audit.event_document import event_document
from audit.event_proof import EventProof
from audit.faults import BundleError, Fault
from audit.log_signers import LogSigners
from audit.merkle import EMPTY_ROOT, leaf_hash
from audit.note import sign_note, split_note
from audit.proofs import checkpoint_at
from audit.reader import everything
from audit.sequencer import Sequencer
from audit.shards import log_of
from audit.store import metadata
from audit.store.witnessing import CosignatureRow, insert_cosignatures
from audit.tiles import entry_bundles_of, pack_entries, tiles_of, unpack_entries
from audit.unit_of_work import Ledger
from audit.verification import Question, trust_of, verify_paths
from tests.audit.sample import LOG, LOG_NAME, NOW, record
from tests.wrapping import MemoryWrapper

NEXT = "2027h1"
LATER = NOW + timedelta(days=60)
KEY = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
SIGNERS = LogSigners(LOG_NAME, [KEY])
BASE = SIGNERS.base_signers[0].vkey
WITNESS = Ed25519Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(bytes([2]) * 32))
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two half-years, each cosigned at its end; an early checkpoint of each; an event of the first
    and one of the second."""
    folder = tmp_path_factory.mktemp("held")
    ledger = Ledger(open_engine(f"sqlite:///{folder / 'log.db'}"), MemoryWrapper())
    metadata.create_all(ledger.engine)
    for log, at in ((LOG, NOW), (NEXT, LATER)):
        (event_id, _) = record(ledger, 2, now=at)
        Sequencer(ledger, SIGNERS).run_once(at)
        record(ledger, 1, now=at + MINUTE)
        Sequencer(ledger, SIGNERS).run_once(at + MINUTE)
        size = 3 if log == LOG else 4
        cosign(ledger, log, size, at + MINUTE)
        with ledger.read() as connection:
            made = write_bundle(connection, ledger, signers=SIGNERS, log=log)
            note = checkpoint_at(connection, size - 1, log=log)
            document = event_document(connection, ledger, event_id, may_open=everything)
        assert note is not None
        (folder / f"{log}.zip").write_bytes(made)
        (folder / f"{log}-older").write_bytes(note)
        (folder / f"{log}-event.json").write_text(str(document))
        publish(folder / f"{log}-published", unpack(made))
    ledger.engine.dispose()
    (folder / "policy").write_text(f"log {BASE}\nwitness w {WITNESS.vkey}\nquorum w\n")
    return folder


def cosign(ledger: Ledger, log: str, size: int, at: datetime) -> None:
    with ledger.read() as connection:
        note = checkpoint_at(connection, size, log=log)
    assert note is not None
    line = WITNESS.cosign(split_note(note)[0], int(at.timestamp()))
    row = CosignatureRow(log, size, "w.example", at, line.encode())
    with ledger.writer.unaccounted_transaction() as connection:
        insert_cosignatures(connection, [row])


def publish(folder: Path, files: dict[str, bytes]) -> Path:
    """What a mirror would have: the checkpoint and the tiles."""
    note = files["checkpoint"] + files.get("cosignatures", b"")
    kept = {name: data for name, data in files.items() if name.startswith(("tile/", "timestamps/"))}
    for name, data in (kept | {"checkpoint": note}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def rebuilt(folder: Path, origin: str, entries: list[bytes]) -> Path:
    """The same key signs a log of these entries."""
    edge = Edge()
    edge.append(map(leaf_hash, entries))
    size = len(entries)
    (tile,) = tiles_of(size)
    (bundle,) = entry_bundles_of(size)
    text = str(Checkpoint(origin, size, edge.root()))
    note = SIGNERS.sign(log_of(origin), text, NOW)
    return publish(
        folder,
        {
            tile.path: b"".join(edge.partial(0)),
            bundle.path: pack_entries(entries),
            "checkpoint": note,
        },
    )


def entries_of(published: Path) -> list[bytes]:
    (path,) = (each for each in (published / "tile/entries").rglob("*") if each.is_file())
    return unpack_entries(path.read_bytes())


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The exit code, and what was said where that says it."""
    code = main(["verify", *map(str, arguments), "--vkey", BASE])
    told = capsys.readouterr()
    return code, told.err if code else told.out


BOTH = [[f"{LOG}.zip", f"{NEXT}.zip"], [f"{NEXT}-published", f"{LOG}-published"]]


# Checkpoints that were kept


@pytest.mark.parametrize("names", BOTH)
@pytest.mark.parametrize("older", [[LOG], [NEXT], [NEXT, LOG]])
def test_a_checkpoint_that_was_kept_is_held_against_the_log_that_it_is_of(
    held: Path, capsys: pytest.CaptureFixture[str], names: list[str], older: list[str]
) -> None:
    options = [part for log in older for part in ("--older", held / f"{log}-older")]
    code, out = said(capsys, *(held / name for name in names), *options)
    assert code == 0
    for log, size in ((LOG, 2), (NEXT, 3)):
        assert (f"It continues the checkpoint of {size} entries" in out) == (log in older)


@pytest.mark.parametrize("name", [f"{LOG}.zip", f"{LOG}-published"])
def test_a_checkpoint_of_no_log_that_is_here_was_held_against_nothing(
    held: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, err = said(capsys, held / name, "--older", held / f"{NEXT}-older")
    assert code == 1
    assert "a checkpoint of another log" in err


@pytest.mark.parametrize("name", [f"{LOG}-event.json", f"{LOG}-older"])
def test_where_no_log_is_here_the_question_was_wrong(
    held: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, err = said(capsys, held / name, "--older", held / f"{LOG}-older")
    assert code == 2
    assert "only an export or a published log" in err


# How fresh the log must be


def stale(held: Path, names: Sequence[str], now: datetime, policy: str | None = "policy") -> str:
    """Which file has not been cosigned within an hour, at that time; none is the empty text."""
    named = None if policy is None else (held / policy).read_bytes()
    trust = trust_of([BASE], named, "1h", now=now)
    try:
        verify_paths([held / name for name in names], Question(trust))
    except BundleError as error:
        return str(error.file) if error.fault is Fault.STALE else str(error)
    return ""


@pytest.mark.parametrize("names", BOTH)
def test_a_half_year_that_is_closed_may_have_been_cosigned_long_ago(
    held: Path, names: list[str]
) -> None:
    assert stale(held, names, LATER + 61 * MINUTE) == ""
    for name in names:  # by itself it is the newest that anybody has shown
        assert stale(held, [name], LATER + 61 * MINUTE) == (name if LOG in name else "")


@pytest.mark.parametrize("names", BOTH)
def test_the_newest_log_must_be_fresh(held: Path, names: list[str]) -> None:
    (newest,) = (name for name in names if NEXT in name)
    assert stale(held, names, LATER + 62 * MINUTE) == newest


def test_a_single_event_of_the_newest_log_must_be_fresh_too(held: Path) -> None:
    names = [f"{NEXT}.zip", f"{NEXT}-event.json", f"{LOG}-event.json"]
    assert stale(held, names, LATER) == ""
    assert stale(held, names[1:], LATER + 62 * MINUTE) == names[1]


def test_without_a_witness_nothing_is_fresh(held: Path) -> None:
    assert stale(held, [f"{NEXT}.zip"], LATER, policy=None) == f"{NEXT}.zip"


# Which log is the first


FIRST = "It begins a history"


@pytest.mark.parametrize("form", [".zip", "-published"])
def test_a_log_that_names_none_before_it_is_told_to_begin_a_history(
    held: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert FIRST in said(capsys, held / f"{LOG}{form}")[1]
    assert FIRST not in said(capsys, held / f"{NEXT}{form}")[1]
    code, out = said(capsys, held / f"{LOG}{form}", "--first-log", LOG)
    assert code == 0
    assert "It begins the history, as you say" in out
    assert said(capsys, held / f"{NEXT}{form}", "--first-log", LOG)[0] == 0


@pytest.mark.parametrize("form", [".zip", "-published"])
@pytest.mark.parametrize(
    ("log", "first", "why"),
    [(LOG, "2026h1", "there was a log before this one"), (NEXT, NEXT, "this is not the first log")],
)
def test_a_log_that_is_not_what_the_reader_knows_it_to_be_is_named(
    held: Path, capsys: pytest.CaptureFixture[str], form: str, log: str, first: str, why: str
) -> None:
    code, err = said(capsys, held / f"{log}{form}", "--first-log", first)
    assert code == 1
    assert f"{LOG_NAME}/{log}, entry 0: {why}" in err


def test_what_no_log_is_called_is_a_wrong_question(
    held: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = said(capsys, held / f"{LOG}.zip", "--first-log", "2026")
    assert code == 2
    assert "--first-log: a half-year" in err


@pytest.fixture
def unlinked(held: Path, tmp_path: Path) -> Path:
    """The second half-year by an operator who hides that there was a first one."""
    entries = entries_of(held / f"{NEXT}-published")[1:]
    return rebuilt(tmp_path / "unlinked", f"{LOG_NAME}/{NEXT}", entries)


def test_a_later_log_without_a_link_passes_alone_and_says_so(
    unlinked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = said(capsys, unlinked)
    assert code == 0
    assert FIRST in out


@pytest.mark.parametrize("how", ["the log before it", "its key", "its name in a policy", "a word"])
def test_a_later_log_without_a_link_is_named_where_an_older_one_is_known(
    held: Path, unlinked: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, how: str
) -> None:
    (tmp_path / "policy").write_text(f"log {BASE}\nlog {other_key()}\nquorum none\n")
    ways: dict[str, list[object]] = {
        "the log before it": [held / f"{LOG}-published"],
        "its key": ["--vkey", SIGNERS.vkeys(LOG)[0]],
        "its name in a policy": ["--policy", tmp_path / "policy"],
        "a word": ["--first-log", LOG],
    }
    code, err = said(capsys, unlinked, *ways[how])
    assert code == 1
    assert f"{LOG_NAME}/{NEXT}, entry 0: there was a log before this one" in err


def other_key() -> str:
    key = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
    return LogSigners(LOG_NAME, [key]).vkeys(LOG)[0]


def test_a_key_for_a_later_log_or_for_another_one_says_nothing_of_an_older(
    unlinked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = LogSigners("other.example/log", [KEY])
    for key in (SIGNERS.vkeys("2027h2")[0], SIGNERS.vkeys(NEXT)[0], other.vkeys(LOG)[0]):
        assert said(capsys, unlinked, "--vkey", key)[0] == 0


def test_a_log_begun_anew_is_never_the_first(
    held: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    origin = f"{LOG_NAME}/{LOG}b"
    made = rebuilt(tmp_path / "anew", origin, entries_of(held / f"{LOG}-published"))
    key = SIGNERS.vkeys(f"{LOG}b")[0]
    code, err = said(capsys, made, "--vkey", key)
    assert code == 1
    assert f"{origin}, entry 0: there was a log before this one" in err


def test_a_log_that_passes_over_one_that_is_here_is_named(
    held: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The third half-year goes on from the first, as if there had been no second."""
    first = entries_of(held / f"{NEXT}-published")[0]
    third = rebuilt(tmp_path / "third", f"{LOG_NAME}/2027h2", [first, b"x"])
    assert said(capsys, held / f"{LOG}-published", third)[0] == 0
    code, err = said(capsys, held / f"{LOG}-published", held / f"{NEXT}-published", third)
    assert code == 1
    assert f"{LOG_NAME}/2027h2, entry 0: this log does not go on" in err


def test_without_entries_nobody_can_tell_what_a_log_goes_on_from(
    unlinked: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(unlinked / "tile/entries")
    code, out = said(capsys, unlinked, "--first-log", LOG)
    assert code == 0
    assert FIRST not in out


def test_the_tree_from_before_the_half_years_is_the_first_without_saying_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = rebuilt(tmp_path / "bare", LOG_NAME, [b"x"])
    assert FIRST not in said(capsys, made)[1]


# Times of single events


def test_the_time_of_an_event_is_held_against_cosignatures_in_its_own_document(
    held: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (held / f"{LOG}-event.json").read_text()
    document = EventProof.parse(text)
    early = recosigned(document, NOW - 2 * MINUTE)
    (tmp_path / "early.json").write_text(str(early))
    asked = ["--policy", held / "policy"]
    assert said(capsys, held / f"{LOG}-event.json", *asked)[0] == 0
    code, err = said(capsys, tmp_path / "early.json", *asked)
    assert code == 1
    assert "early.json, entry 0: the entry claims a later time" in err


def recosigned(document: EventProof, at: datetime) -> EventProof:
    head, _, note = document.proof.partition("\n\n")
    text, lines = split_note(note.encode())
    line = WITNESS.cosign(text, int(at.timestamp()))
    signed = SIGNERS.sign(LOG, text, NOW).decode()
    assert lines
    return replace(document, proof=f"{head}\n\n{signed}{line}")


@pytest.mark.parametrize("form", [".zip", "-published"])
def test_the_time_of_an_event_is_held_against_the_log_that_is_here_too(
    held: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    """The witness has seen the log without the event an hour after that is said to be."""
    log = held / f"{LOG}{form}"
    event = held / f"{LOG}-event.json"
    late = tmp_path / "late"
    empty = str(Checkpoint(f"{LOG_NAME}/{LOG}", 0, EMPTY_ROOT))
    line = WITNESS.cosign(empty, int((NOW + 60 * MINUTE).timestamp()))
    late.write_bytes(SIGNERS.sign(LOG, empty, NOW) + line.encode())
    asked = ["--policy", held / "policy"]
    assert said(capsys, event, log, *asked)[0] == 0
    closed = closed_export(log, tmp_path) if form == ".zip" else log
    assert said(capsys, closed, *asked, "--older", late)[0] == 0
    code, err = said(capsys, event, closed, *asked, "--older", late)
    assert code == 1
    assert f"{LOG}-event.json, entry 0: the entry claims a time at which" in err
    assert said(capsys, held / f"{NEXT}-event.json", closed, *asked, "--older", late)[0] == 0


def closed_export(export: Path, folder: Path) -> Path:
    """The same, of which this reader may open nothing."""
    files = unpack(export.read_bytes())
    lines = [
        replace(EventLine.parse(line), disclosures=())
        for line in files[EVENTS].decode().splitlines(keepends=True)
    ]
    del files[MANIFEST]
    files[EVENTS] = "".join(map(str, lines)).encode()
    text = manifest_text(f"{LOG_NAME}/{LOG}", files)
    files[MANIFEST] = sign_note(text, SIGNERS.note_signers(LOG))
    made = folder / "closed.zip"
    made.write_bytes(pack(files))
    return made


def test_an_event_that_stands_elsewhere_in_the_log_that_is_here_is_named(
    held: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    entries = entries_of(held / f"{LOG}-published")
    made = rebuilt(tmp_path / "other", f"{LOG_NAME}/{LOG}", entries[::-1])
    code, err = said(capsys, made, held / f"{LOG}-event.json")
    assert code == 1
    assert f"{LOG}-event.json, entry 0: another entry stands at this place" in err
    shorter = rebuilt(tmp_path / "shorter", f"{LOG_NAME}/{NEXT}", entries[:1])
    assert said(capsys, shorter, held / f"{NEXT}-event.json")[0] == 0
