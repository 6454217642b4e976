"""`python -m audit verify`: whatever one holds of a log is known for what it is, and verified."""

import json
import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.__main__ import main
from audit.bundle import write_bundle
from audit.container import unpack
from audit.cosignature import Ed25519Cosigner
from audit.database import open_engine
from audit.disclosure import commitment
from audit.event_proof import EventProof
from audit.log_signers import LogSigners
from audit.note import sign_note, split_note
from audit.promise import PromiseSigner, to_header
from audit.proofs import checkpoint_at, inclusion, proof_text
from audit.reader import disclosures
from audit.sequencer import Sequencer
from audit.store import metadata
from audit.unit_of_work import Ledger
from audit.verify_event import entry_of
from tests.audit.sample import LOG, LOG_NAME, NOW, record
from tests.wrapping import MemoryWrapper

NEXT = "2027h1"
SIGNERS = LogSigners(
    LOG_NAME,
    [Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)],
    [MLDSA44PrivateKey.generate()],
)
BASE = SIGNERS.base_signers[0].vkey
WITNESS = Ed25519Cosigner("w.example", Ed25519PrivateKey.from_private_bytes(bytes([2]) * 32))


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of everything: two half-years of a log, and pieces of the first."""
    folder = tmp_path_factory.mktemp("held")
    ledger = Ledger(open_engine(f"sqlite:///{folder / 'log.db'}"), MemoryWrapper())
    metadata.create_all(ledger.engine)
    sequencer = Sequencer(ledger, SIGNERS)
    event_id = record(ledger, 3)[1]
    sequencer.run_once(NOW)
    record(ledger, 300)
    sequencer.run_once(NOW)
    record(ledger, 2, now=NOW + timedelta(days=60))
    sequencer.run_once(NOW + timedelta(days=60))
    with ledger.read() as connection:
        for log in (LOG, NEXT):
            made = write_bundle(connection, ledger, signers=SIGNERS, log=log)
            (folder / f"{log}.zip").write_bytes(made)
        early = write_bundle(connection, ledger, signers=SIGNERS, log=LOG, size=3)
        (folder / "early.zip").write_bytes(early)
        note = checkpoint_at(connection, 3, log=LOG)
        proof = inclusion(connection, ledger, event_id)
        shown = disclosures(connection, ledger, event_id)
    ledger.engine.dispose()
    assert note is not None
    assert proof is not None
    assert shown is not None
    published(folder / "published", (folder / f"{LOG}.zip").read_bytes())
    published(folder / "published-early", early)
    published(folder / "published-next", (folder / f"{NEXT}.zip").read_bytes())
    (folder / "checkpoint").write_bytes(note)
    cosigned = note.decode() + WITNESS.cosign(split_note(note)[0], int(NOW.timestamp()))
    (folder / "cosigned").write_text(cosigned)
    policy = f"log {BASE}\nwitness w {WITNESS.vkey}\nquorum w\n"
    (folder / "policy").write_text(policy)
    entry = entry_of(event_id, shown.digests)
    (folder / "entry").write_bytes(entry)
    (folder / "event.tlog-proof").write_text(proof_text(proof))
    promise = PromiseSigner(SIGNERS.base_signers).sign(
        event_id, commitment(event_id, shown.digests), NOW
    )
    (folder / "promise").write_bytes(promise)
    (folder / "promise-header").write_text(to_header(promise))
    other = PromiseSigner(SIGNERS.base_signers).sign(event_id, bytes(32), NOW)
    (folder / "broken").write_bytes(other)
    document = EventProof(
        event_id,
        proof.log,
        tuple(shown.digests),
        tuple(shown.disclosures),
        entry.decode(),
        proof_text(proof),
    )
    (folder / "event.json").write_text(str(document))
    return folder


def published(folder: Path, bundle: bytes) -> None:
    """What a mirror would have: the checkpoint and the tiles."""
    for name, data in unpack(bundle).items():
        if name.startswith("tile/") or name == "checkpoint":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["verify", *map(str, arguments)])
    told = capsys.readouterr()
    return code, told.out, told.err


KINDS = {
    f"{LOG}.zip": "export",
    f"{NEXT}.zip": "export",
    "published": "published log",
    "event.json": "event",
    "event.tlog-proof": "proof",
    "checkpoint": "checkpoint",
    "cosigned": "checkpoint",
}


@pytest.mark.parametrize("name", KINDS)
def test_everything_verifies_for_people_and_for_programs(
    held: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    options = [held / name, "--vkey", BASE, "--entry", held / "entry"]
    code, out, err = said(capsys, *options)
    assert (code, err) == (0, "")
    assert LOG_NAME in out
    code, out, _ = said(capsys, *options, "--json")
    found = json.loads(out)
    assert (code, found["verified"], found["results"][0]["kind"]) == (0, True, KINDS[name])
    assert found["results"][0]["origin"].startswith(LOG_NAME)


@pytest.mark.parametrize("name", KINDS)
def test_nothing_verifies_by_another_key(
    held: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    stranger = LogSigners(LOG_NAME, [Ed25519PrivateKey.generate()]).base_signers[0].vkey
    options = [held / name, "--vkey", stranger, "--entry", held / "entry"]
    code, out, err = said(capsys, *options)
    assert (code, out) == (1, "")
    assert "does not verify" in err
    code, out, _ = said(capsys, *options, "--json")
    found = json.loads(out)
    assert (code, found["verified"]) == (1, False)
    assert found["fault"] in {"checkpoint-signature", "other-key"}


def test_half_years_follow_upon_each_other(held: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = held / f"{LOG}.zip", held / f"{NEXT}.zip"
    code, out, _ = said(capsys, old, new, "--vkey", BASE)
    assert code == 0
    assert f"It continues {LOG_NAME}/{LOG} after entry 303" in out
    assert said(capsys, new, old, "--vkey", BASE)[0] == 1
    code, _, err = said(capsys, held / "early.zip", new, "--vkey", BASE)
    assert code == 1
    assert f"{LOG_NAME}/{NEXT}, entry 0" in err


@pytest.mark.parametrize("before", ["published", f"{LOG}.zip"])
def test_published_half_years_follow_upon_each_other(
    held: Path, capsys: pytest.CaptureFixture[str], before: str
) -> None:
    code, out, _ = said(capsys, held / "published-next", held / before, "--vkey", BASE)
    assert code == 0
    assert f"It continues {LOG_NAME}/{LOG} after entry 303" in out


@pytest.mark.parametrize("before", ["published-early", "early.zip"])
def test_a_published_half_year_that_goes_on_from_another_end_is_named(
    held: Path, capsys: pytest.CaptureFixture[str], before: str
) -> None:
    code, _, err = said(capsys, held / before, held / "published-next", "--vkey", BASE)
    assert code == 1
    assert f"{LOG_NAME}/{NEXT}, entry 0" in err


def test_the_key_of_one_half_year_is_not_that_of_another(
    held: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = SIGNERS.vkeys(LOG)[0]
    assert said(capsys, held / f"{LOG}.zip", "--vkey", key)[0] == 0
    assert said(capsys, held / f"{NEXT}.zip", "--vkey", key)[0] == 1


def test_the_key_that_no_quantum_computer_forges_is_enough(
    held: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(capsys, held / f"{LOG}.zip", "--vkey", SIGNERS.vkeys(LOG)[1], "--json")
    assert code == 0
    assert json.loads(out)["results"][0]["keys"] == [SIGNERS.vkeys(LOG)[1]]


@pytest.mark.parametrize("name", [f"{LOG}.zip", "published"])
def test_an_older_checkpoint_must_be_continued(
    held: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    options = [held / name, "--vkey", BASE, "--older"]
    code, out, _ = said(capsys, *options, held / "checkpoint")
    assert code == 0
    assert "continues the checkpoint of 3 entries" in out
    forged = held / "forked"
    root = b64encode(bytes(32)).decode()
    forged.write_bytes(SIGNERS.sign(LOG, f"{LOG_NAME}/{LOG}\n3\n{root}\n", NOW))
    code, _, err = said(capsys, *options, forged)
    assert code == 1
    assert "its history was changed" in err


@pytest.mark.parametrize("name", ["event.json", "event.tlog-proof", "checkpoint"])
def test_a_kept_checkpoint_is_not_passed_over_where_nothing_shows_what_came_before(
    held: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    options = ["--vkey", BASE, "--entry", held / "entry", "--older", held / "checkpoint"]
    code, out, err = said(capsys, held / name, *options)
    assert (code, out) == (2, "")
    assert "--older" in err
    assert said(capsys, held / name, held / f"{LOG}.zip", *options)[0] == 0


def test_a_quorum_of_witnesses_may_be_asked_for(
    held: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = ["--policy", held / "policy"]
    code, out, _ = said(capsys, held / "cosigned", *policy)
    assert code == 0
    assert "Cosigned by w at 2026-11-24T09:00:00+00:00" in out
    code, _, err = said(capsys, held / "checkpoint", *policy)
    assert code == 1
    assert "fewer of the witnesses" in err


def test_a_newest_cosignature_may_be_asked_for(
    held: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [held / "cosigned", "--policy", held / "policy", "--max-age"]
    assert said(capsys, *options, "90000d")[0] == 0
    code, _, err = said(capsys, *options, "1s")
    assert code == 1
    assert "as lately as you ask for" in err


HOLDING = [f"{LOG}.zip", "published", "event.json", "event.tlog-proof"]


@pytest.mark.parametrize("promise", ["promise", "promise-header"])
@pytest.mark.parametrize("name", HOLDING)
def test_a_promise_that_was_kept_is_told(
    held: Path, capsys: pytest.CaptureFixture[str], name: str, promise: str
) -> None:
    options = ["--entry", held / "entry", "--promise", held / promise]
    code, out, _ = said(capsys, held / name, "--vkey", BASE, *options)
    assert code == 0
    assert "has been kept" in out


def test_a_promise_needs_no_key_beside_that_of_the_export(
    held: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, held / f"{LOG}.zip", "--promise", held / "promise")[0] == 0


def test_a_promise_of_one_log_is_not_kept_by_another(
    held: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text, _ = split_note((held / "promise").read_bytes())
    other = LogSigners("other.example/audit", [Ed25519PrivateKey.generate()])
    promised = text.replace(LOG_NAME, "other.example/audit")
    (tmp_path / "other-promise").write_bytes(sign_note(promised, other.base_signers))
    keys = ["--vkey", BASE, "--vkey", other.base_signers[0].vkey]
    options = [held / f"{LOG}.zip", *keys, "--promise", tmp_path / "other-promise"]
    code, _, err = said(capsys, *options)
    assert code == 1
    assert "no log here holds the event" in err


BROKEN = {
    "not in this log": (f"{NEXT}.zip", "promise", "(to be kept by 2026-11-24T09:01:00+00:00)"),
    "of something else": (f"{LOG}.zip", "broken", "no log here holds the event"),
    "no promise": (f"{LOG}.zip", "event.json", "not a promise"),
    "no text": (f"{LOG}.zip", f"{LOG}.zip", "not a promise"),
    "by another key": (f"{LOG}.zip", "forged", "not signed by a key of the log"),
}


@pytest.mark.parametrize("how", BROKEN.values(), ids=BROKEN)
def test_a_promise_that_was_not_kept_is_told(
    held: Path, capsys: pytest.CaptureFixture[str], how: tuple[str, str, str]
) -> None:
    stranger = LogSigners(LOG_NAME, [Ed25519PrivateKey.generate()])
    text, _ = split_note((held / "promise").read_bytes())
    (held / "forged").write_bytes(sign_note(text, stranger.base_signers))
    name, promise, why = how
    code, _, err = said(capsys, held / name, "--vkey", BASE, "--promise", held / promise)
    assert code == 1
    assert promise in err
    assert why in err


def test_a_published_log_without_entries_says_so(
    held: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copytree(held / "published", tmp_path / "log")
    shutil.rmtree(tmp_path / "log" / "tile" / "entries")
    assert "no entries" in said(capsys, tmp_path / "log", "--vkey", BASE)[1]


def test_without_a_key_the_export_says_whose_word_it_is(
    held: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "compare it with one from a source" in said(capsys, held / f"{LOG}.zip")[1]
    assert said(capsys, held / "checkpoint")[0] == 1


def test_an_unpacked_export_is_one_too(
    held: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with zipfile.ZipFile(held / f"{LOG}.zip") as archive:
        archive.extractall(tmp_path)
    assert json.loads(said(capsys, tmp_path, "--json")[1])["results"][0]["kind"] == "export"


REFUSED = {
    "a proof without its entry": (["event.tlog-proof"], "give the entry too"),
    "nothing": (["empty"], "checkpoint is not signed"),
    "a picture": (["long"], "no export, proof or checkpoint"),
    "no text after a proof's first line": (["binary"], "no export, proof or checkpoint"),
    "another document": (["other.json"], "not the document of an event"),
    "no file": (["nowhere"], "cannot be read"),
}


@pytest.mark.parametrize("how", REFUSED.values(), ids=REFUSED)
def test_what_it_does_not_know_is_named(
    held: Path, capsys: pytest.CaptureFixture[str], how: tuple[list[str], str]
) -> None:
    (held / "empty").touch()
    (held / "long").write_bytes(b"\x89PNG" + bytes(1_000_001))
    (held / "binary").write_bytes(b"c2sp.org/tlog-proof@v1\n\xff")
    (held / "other.json").write_text("{}")
    names, why = how
    more = ["--entry", held / "entry"] if names == ["binary"] else []
    code, _, err = said(capsys, *(held / name for name in names), "--vkey", BASE, *more)
    assert code == 1
    assert names[0] in err
    assert why in err


ASKED_WRONGLY = {
    "no key": ["--vkey", "x"],
    "no age": ["--max-age", "soon"],
    "no policy": ["--policy", "event.json"],
    "no file": ["--older", "nowhere"],
}


@pytest.mark.parametrize("options", ASKED_WRONGLY.values(), ids=ASKED_WRONGLY)
def test_a_wrong_question_is_told_from_a_wrong_log(
    held: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(held)
    code, out, err = said(capsys, held / "checkpoint", *options)
    assert (code, out) == (2, "")
    assert err


def test_it_runs_as_a_module(held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["audit", "verify", str(held / "checkpoint"), "--vkey", BASE]
    monkeypatch.setattr(sys, "argv", asked)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(
            str(Path(__file__).parents[2] / "audit" / "__main__.py"), run_name="__main__"
        )
    assert end.value.code == 0


def test_the_command_needs_nothing_but_the_pure_modules_and_cryptography(
    held: Path, tmp_path: Path
) -> None:
    """In a folder of its own, with no package of ours besides and no other library in reach."""
    code = Path(__file__).parents[2] / "audit"
    shutil.copytree(code, tmp_path / "audit", ignore=shutil.ignore_patterns("store", "__pycache__"))
    script = (
        "import sys, runpy\n"
        "sys.argv = ['audit', *sys.argv[1:]]\n"
        "try: runpy.run_module('audit', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "own = {name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(own), sorted(n for n in sys.modules if n.startswith('audit.')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "verify", held / f"{LOG}.zip", "--vkey", BASE],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    packages, _, modules = done.stdout.splitlines()[-1].partition("] ")
    assert {"audit", "cryptography"} <= set(eval(packages + "]"))  # noqa: S307  # a list of names
    assert not {"sqlalchemy", "policies", "psycopg"} & set(eval(packages + "]"))  # noqa: S307
    assert "audit.unit_of_work" not in modules
