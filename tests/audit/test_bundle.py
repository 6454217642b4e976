"""Taking the log out."""

import io
import json
import zipfile

import pytest

from audit.bundle import NothingToExportError, write_bundle
from audit.checkpoint import CheckpointError
from audit.container import unpack
from audit.log_signers import LogSigners
from audit.model import Actor
from audit.note import NoteError
from audit.reader import own
from audit.sequencer import Sequencer
from audit.tree import TreeDamagedError
from audit.unit_of_work import Ledger
from audit.verify import verify_bundle
from tests.audit.faulty import run, unguard
from tests.audit.sample import AINO, MATTI, NOW, record, signer, signers, viewed


def exported(ledger: Ledger, **wanted: object) -> bytes:
    with ledger.read() as connection:
        return write_bundle(connection, ledger, **({"signers": signers()} | wanted))  # type: ignore[arg-type]  # what the test varies


def test_the_same_log_gives_the_same_bytes(ledger: Ledger, sequencer: Sequencer) -> None:
    record(ledger, 3)
    sequencer.run_once(NOW)
    assert exported(ledger) == exported(ledger)


def test_the_files_are_those_of_the_log(ledger: Ledger, sequencer: Sequencer) -> None:
    record(ledger, 300)
    sequencer.run_once(NOW)
    with zipfile.ZipFile(io.BytesIO(exported(ledger))) as archive:
        assert archive.namelist() == [
            "checkpoint",
            "events.jsonl",
            "log.vkey",
            "manifest",
            "tile/0/000",
            "tile/0/001.p/44",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/44",
        ]


def test_an_older_checkpoint_can_be_exported(ledger: Ledger, sequencer: Sequencer) -> None:
    for _ in range(2):
        record(ledger, 260)
        sequencer.run_once(NOW)
    assert verify_bundle(exported(ledger, size=260), vkey=signer().vkey).size == 260
    assert verify_bundle(exported(ledger), vkey=signer().vkey).size == 520


def test_a_person_takes_out_her_own_and_the_proof_of_all(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    record(ledger, 2, actor=Actor.person(AINO))
    record(ledger, 3, happened=viewed(MATTI))
    sequencer.run_once(NOW)
    bundle = exported(ledger, may_open=own(AINO))
    report = verify_bundle(bundle)
    assert (report.size, dict(report.kinds), report.closed) == (5, {"data.viewed": 2}, 3)
    lines = unpack(bundle)["events.jsonl"].splitlines()
    assert [len(json.loads(line)["disclosures"]) for line in lines] == [6, 7, 0, 0, 0]


@pytest.mark.parametrize("size", [None, 7])
def test_a_log_without_such_a_checkpoint_is_not_exported(ledger: Ledger, size: int | None) -> None:
    record(ledger)
    with pytest.raises(NothingToExportError):
        exported(ledger, size=size)


def test_another_key_cannot_export(ledger: Ledger, sequencer: Sequencer) -> None:
    record(ledger)
    sequencer.run_once(NOW)
    with pytest.raises(NoteError):
        exported(ledger, signers=signers(2))


def test_another_log_of_the_same_key_cannot_export(ledger: Ledger, sequencer: Sequencer) -> None:
    record(ledger)
    sequencer.run_once(NOW)
    other = LogSigners("other.example", [signer()._key])
    with pytest.raises((NoteError, CheckpointError)):
        exported(ledger, signers=other)


def test_a_log_that_lost_leaves_is_not_exported_as_if_whole(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    record(ledger, 5)
    sequencer.run_once(NOW)
    unguard(ledger.engine, "audit_checkpoint")
    unguard(ledger.engine, "audit_leaf")
    run(ledger.engine, 'DELETE FROM audit_leaf WHERE "index" = 2')
    with pytest.raises(TreeDamagedError):
        exported(ledger)
