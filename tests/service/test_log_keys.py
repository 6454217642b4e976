"""Changing the log's keys: before, during and after, old checkpoints and new ones verify."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.cosignature import parse_vkey
from audit.log_signers import LogSigners
from audit.model import SYSTEM, Actor, ActorKind, Event, Kind
from audit.not_written import EventNotWrittenError
from audit.note import NoteError, open_note
from audit.proofs import latest_checkpoint
from audit.reader import search
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from service.log_keys import LogKeys, NoRotationUnderWayError, RotationUnderWayError
from vault.providers.file import KeyFolder

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LOG = "2026h2"
BASE = "vault.example/audit"
OPERATOR = Actor(ActorKind.SYSTEM, "operator-command")


@pytest.fixture
def keys(tmp_path: Path) -> LogKeys:
    return LogKeys.of(KeyFolder.open_or_create(tmp_path / "keys"))


def signed(ledger: Ledger, signers: LogSigners, now: datetime) -> bytes:
    """The checkpoint after one more event, as a service with these keys signs it."""
    with begin(ledger, actor=SYSTEM, now=now) as uow:
        uow.record(Event(kind=Kind.LOG_SEARCHED))
    Sequencer(ledger, signers).run_once(now)
    with ledger.read() as connection:
        note = latest_checkpoint(connection)
    assert note is not None
    return note


def verifies(note: bytes, vkey: str) -> bool:
    try:
        open_note(note, [parse_vkey(vkey)])
    except NoteError:
        return False
    return True


def test_checkpoints_before_during_and_after_a_change_verify(ledger: Ledger, keys: LogKeys) -> None:
    old = keys.signers(BASE).vkeys(LOG)
    before = signed(ledger, keys.signers(BASE), NOW)
    keys.begin_rotation(ledger, actor=OPERATOR, now=NOW)
    new = keys.signers(BASE).vkeys(LOG)[::2]
    during = signed(ledger, keys.signers(BASE), NOW + timedelta(minutes=1))
    keys.end_rotation(ledger, actor=OPERATOR, now=NOW + timedelta(minutes=2))
    after = signed(ledger, keys.signers(BASE), NOW + timedelta(minutes=3))

    assert not set(old) & set(new)
    for vkey in old:
        found = [verifies(note, vkey) for note in (before, during, after)]
        assert found == [True, True, False]
    for vkey in new:
        found = [verifies(note, vkey) for note in (before, during, after)]
        assert found == [False, True, True]
    for note in (before, during, after):
        assert open_note(note, keys.signers(BASE).verifiers(LOG))


def test_each_step_is_an_event_with_the_digest_of_each_key(ledger: Ledger, keys: LogKeys) -> None:
    keys.begin_rotation(ledger, actor=OPERATOR, now=NOW)
    keys.end_rotation(ledger, actor=OPERATOR, now=NOW)
    with ledger.read() as connection:
        found = search(connection, ledger)
    kinds = [entry.get("kind") for entry in found]
    assert kinds == ["log.key-retired"] * 2 + ["log.key-added"] * 2
    assert len({entry.get("digest") for entry in found}) == 4
    assert {entry.get("actor") for entry in found} == {"system:operator-command"}


def test_a_second_beginning_is_refused_and_adds_no_key(ledger: Ledger, keys: LogKeys) -> None:
    keys.begin_rotation(ledger, actor=OPERATOR, now=NOW)
    with pytest.raises(RotationUnderWayError):
        keys.begin_rotation(ledger, actor=OPERATOR, now=NOW)
    assert len(keys.signers(BASE).vkeys(LOG)) == 4


def test_a_beginning_that_was_interrupted_is_made_again(ledger: Ledger, keys: LogKeys) -> None:
    keys.signers(BASE)
    keys.ed25519.add(keys.ed25519.draw())
    keys.begin_rotation(ledger, actor=OPERATOR, now=NOW)
    keys.end_rotation(ledger, actor=OPERATOR, now=NOW)
    assert len(keys.signers(BASE).vkeys(LOG)) == 2
    assert len(keys.signers(BASE).retired_vkeys(LOG)) == 3


def test_an_end_without_a_beginning_is_refused(ledger: Ledger, keys: LogKeys) -> None:
    with pytest.raises(NoRotationUnderWayError):
        keys.end_rotation(ledger, actor=OPERATOR, now=NOW)
    assert len(keys.signers(BASE).vkeys(LOG)) == 2


def test_no_key_is_added_without_its_event(ledger: Ledger, keys: LogKeys) -> None:
    keys.signers(BASE)
    with ledger.writer.unaccounted_transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE audit_event RENAME TO audit_event_away")
    with pytest.raises(EventNotWrittenError):
        keys.begin_rotation(ledger, actor=OPERATOR, now=NOW)
    assert len(keys.signers(BASE).vkeys(LOG)) == 2
