"""A database that was really restored signs nothing, says why, and has ways out without a fork."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from audit.checkpoint import Checkpoint
from audit.log_signers import LogSigners
from audit.model import SYSTEM
from audit.note import NoteError, split_note
from audit.outside_copy import OutsideCopy, OutsideCopyError
from audit.proofs import checkpoint_at, entries_bundle, latest_checkpoint, log_state, logs
from audit.reader import search
from audit.rollback import (
    ForkedError,
    NothingLostError,
    RestoredBackupError,
    RollbackGuard,
    Seen,
    begin_anew,
    check_seen,
)
from audit.sequencer import Sequencer
from audit.shards import linked_text
from audit.tiles import unpack_entries
from audit.unit_of_work import Ledger
from tests.audit.faulty import unguard
from tests.audit.sample import NOW, ORIGIN, record, signers
from tests.database_backup import DatabaseBackup
from tests.wrapping import MemoryWrapper

LATER = NOW + timedelta(minutes=5)
NEXT_YEAR = NOW.replace(year=2027, month=1)


class Backup(DatabaseBackup):
    """The same, with the log's keys of this test."""

    def restored(self) -> Ledger:
        """The database as it was when the backup was taken."""
        self.restore()
        return Ledger(self.engine, WRAPPER)


WRAPPER = MemoryWrapper()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine, WRAPPER)


@pytest.fixture
def copy(tmp_path: Path) -> OutsideCopy:
    return OutsideCopy(tmp_path / "outside")


@pytest.fixture
def backup(engine: Engine, tmp_path: Path) -> Backup:
    return Backup(engine, tmp_path)


def guarded(
    ledger: Ledger, copy: OutsideCopy, known: Sequence[Seen] = ()
) -> tuple[Sequencer, RollbackGuard]:
    guard = RollbackGuard(copy, signers().verifiers, lambda _logs: known)
    return Sequencer(ledger, signers(), publish=[guard.publish], guard=guard), guard


def grow(ledger: Ledger, copy: OutsideCopy, count: int, now: datetime = NOW) -> bytes:
    """Sign that many events more, and give the note."""
    record(ledger, count, now=now)
    assert guarded(ledger, copy)[0].run_once(now)
    return newest(ledger)


def newest(ledger: Ledger, log: str | None = None) -> bytes:
    with ledger.read() as connection:
        note = latest_checkpoint(connection, log=log)
    assert note is not None
    return note


def size_of(note: bytes) -> int:
    return Checkpoint.parse(split_note(note)[0]).size


def seen(note: bytes) -> Seen:
    return Seen.of("witness w.example", note, signers().verifiers)


# A restored backup


def test_a_restored_backup_signs_nothing_and_says_what_is_known_outside_and_the_way_out(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    grow(ledger, copy, 3)
    backup.take()
    grow(ledger, copy, 4, LATER)
    restored = backup.restored()
    record(restored, 2, now=LATER)
    sequencer, guard = guarded(restored, copy)
    with pytest.raises(RestoredBackupError) as refused:
        sequencer.run_once(LATER)
    for words in ("outside has the checkpoint of size 7", "database ends at 3",
                  "was a backup restored?", "consent-vault audit new-log"):  # fmt: skip
        assert words in str(refused.value)
    with restored.read() as connection:
        assert guard.problem(connection) == str(refused.value)
        state = log_state(connection)
        assert (state.size, state.queued) == (3, 2)  # read and written as before, only not signed
        assert len(search(connection, restored)) == 5
    assert size_of(copy.read() or b"") == 7


def test_a_tree_that_lacks_what_the_copy_is_about_is_told_as_the_problem(
    ledger: Ledger, copy: OutsideCopy
) -> None:
    grow(ledger, copy, 3)
    unguard(ledger.engine, "audit_leaf")
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql('DELETE FROM audit_leaf WHERE "index" = 1')
    with ledger.read() as connection:
        problem = RollbackGuard(copy, signers().verifiers).problem(connection)
    assert problem == "tile 0/0 lacks hashes"


def test_without_the_copy_a_witness_tells_it(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    grow(ledger, copy, 3)
    backup.take()
    cosigned = grow(ledger, copy, 4, LATER)
    restored = backup.restored()
    copy.path.unlink()
    record(restored, 9, now=LATER)
    with pytest.raises(RestoredBackupError, match=r"witness w\.example has .* size 7"):
        guarded(restored, copy, [seen(cosigned)])[0].run_once(LATER)
    with restored.read() as connection:
        assert log_state(connection).size == 3


def test_a_restored_backup_that_has_grown_as_far_has_another_root(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    """Signed without a guard, as an older program would have: the fork is found afterwards."""
    grow(ledger, copy, 3)
    backup.take()
    grow(ledger, copy, 4, LATER)
    restored = backup.restored()
    record(restored, 4, now=LATER)
    Sequencer(restored, signers()).run_once(LATER)
    record(restored, 1, now=LATER)
    with pytest.raises(RestoredBackupError, match="another root"):
        guarded(restored, copy)[0].run_once(LATER)


def test_a_backup_from_before_the_first_event_is_found_out(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    backup.take()
    grow(ledger, copy, 1)
    restored = backup.restored()
    record(restored, 1)
    with pytest.raises(RestoredBackupError, match="ends at 0"):
        guarded(restored, copy)[0].run_once(NOW)


def test_a_backup_from_before_the_half_year_is_found_out(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    grow(ledger, copy, 3)
    backup.take()
    grow(ledger, copy, 1, NEXT_YEAR)
    restored = backup.restored()
    record(restored, 1, now=NEXT_YEAR)
    with pytest.raises(RestoredBackupError, match="2027h1, the database ends at 0"):
        guarded(restored, copy)[0].run_once(NEXT_YEAR)


def test_a_witness_is_asked_about_a_half_year_that_the_backup_does_not_know(
    ledger: Ledger, copy: OutsideCopy, backup: Backup, tmp_path: Path
) -> None:
    grow(ledger, copy, 3)
    backup.take()
    lost = seen(grow(ledger, copy, 1, NEXT_YEAR))
    restored = backup.restored()
    record(restored, 1, now=NEXT_YEAR)
    guard = RollbackGuard(
        OutsideCopy(tmp_path / "no-copy"),
        signers().verifiers,
        lambda logs: [lost] if lost.log in logs else [],
    )
    guard.prepare(["2026h2"])  # all that the database has signed
    with pytest.raises(RestoredBackupError, match="2027h1, the database ends at 0"):
        Sequencer(restored, signers(), guard=guard).run_once(NEXT_YEAR)


def test_a_backup_with_everything_in_it_goes_on(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    cosigned = grow(ledger, copy, 3)
    backup.take()
    restored = backup.restored()
    record(restored, 2, now=LATER)
    sequencer, guard = guarded(restored, copy, [seen(cosigned)])
    assert sequencer.run_once(LATER)
    with restored.read() as connection:
        assert guard.problem(connection) is None
    assert size_of(copy.read() or b"") == 5


def test_the_way_out_by_a_newer_backup(ledger: Ledger, copy: OutsideCopy, backup: Backup) -> None:
    grow(ledger, copy, 3)
    backup.take()
    older, newer = backup, Backup(ledger.engine, copy.path.parent, "newer")
    grow(ledger, copy, 4, LATER)
    newer.take()
    restored = older.restored()
    record(restored, 1, now=LATER)
    with pytest.raises(RestoredBackupError):
        guarded(restored, copy)[0].run_once(LATER)
    restored.engine.dispose()
    complete = newer.restored()
    record(complete, 1, now=LATER)
    assert guarded(complete, copy)[0].run_once(LATER)
    assert size_of(newest(complete)) == 8


# A log that is begun anew


def lost(ledger: Ledger, copy: OutsideCopy, backup: Backup) -> Ledger:
    """A restored database that lacks entries 3 to 6, with one event that waits."""
    grow(ledger, copy, 3)
    backup.take()
    grow(ledger, copy, 4, LATER)
    restored = backup.restored()
    record(restored, 1, now=LATER)
    return restored


def test_a_log_that_is_begun_anew_goes_on_from_what_is_known_outside(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    restored = lost(ledger, copy, backup)
    known = copy.read() or b""
    sequencer, guard = guarded(restored, copy)
    assert begin_anew(restored, guard.known_outside(), actor=SYSTEM, now=LATER) == "2026h2b"
    assert sequencer.run_once(LATER)
    note = newest(restored)
    assert split_note(note)[0].startswith(f"{ORIGIN}b\n3\n")  # link, waiting event, its own event
    with restored.read() as connection:
        bundle = entries_bundle(connection, 0, 3, log="2026h2b")
        assert logs(connection) == ["2026h2", "2026h2b"]
        assert guard.problem(connection) is None
    assert bundle is not None
    assert linked_text(unpack_entries(bundle)[0]) == split_note(known)[0]
    assert copy.read() == note
    assert size_of(newest(restored, "2026h2")) == 3  # nothing was signed there any more


def test_it_is_an_event_that_names_log_and_checkpoint(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    restored = lost(ledger, copy, backup)
    begin_anew(restored, guarded(restored, copy)[1].known_outside(), actor=SYSTEM, now=LATER)
    with restored.read() as connection:
        found = [e for e in search(connection, restored) if e.get("kind") == "log.begun-anew"]
    assert [(e.get("reference"), len(str(e.get("digest")))) for e in found] == [("2026h2b", 64)]


def test_the_log_goes_on_in_its_new_place_and_into_the_next_half_year(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    restored = lost(ledger, copy, backup)
    begin_anew(restored, guarded(restored, copy)[1].known_outside(), actor=SYSTEM, now=LATER)
    for moment, log in ((LATER, "2026h2b"), (LATER, "2026h2b"), (NEXT_YEAR, "2027h1")):
        record(restored, 2, now=moment)
        found = guarded(restored, copy)[0].run_once(moment)
        assert found is not None
        assert found.origin.endswith(f"/{log}")
    with restored.read() as connection:
        bundle = entries_bundle(connection, 0, 1, log="2027h1")
    assert (
        linked_text(unpack_entries(bundle or b"")[0]) == split_note(newest(restored, "2026h2b"))[0]
    )


def test_what_a_witness_knows_of_the_lost_entries_is_settled_by_it(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    grow(ledger, copy, 3)
    backup.take()
    smaller = grow(ledger, copy, 2, LATER)
    largest = grow(ledger, copy, 2, LATER)
    restored = backup.restored()
    record(restored, 1, now=LATER)
    begin_anew(restored, [seen(smaller), seen(largest)], actor=SYSTEM, now=LATER)
    assert guarded(restored, copy, [seen(smaller), seen(largest)])[0].run_once(LATER)


def test_a_smaller_checkpoint_of_another_history_is_not_settled_by_it(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    """What is left of the log has another root at that size: somebody was shown a fork."""
    restored = lost(ledger, copy, backup)
    begin_anew(restored, guarded(restored, copy)[1].known_outside(), actor=SYSTEM, now=LATER)
    forked = seen(signers().sign("2026h2", f"{ORIGIN}\n2\n{'A' * 43}=\n", NOW))
    with restored.read() as connection:
        check_seen(connection, seen(signed_at(restored, 3)))
        with pytest.raises(RestoredBackupError, match=r"size 2 .* another root"):
            check_seen(connection, forked)
    with pytest.raises(RestoredBackupError, match="another root"):
        guarded(restored, copy, [forked])[0].run_once(LATER)


def test_a_checkpoint_of_the_same_size_with_another_root_is_not_settled_by_it(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    restored = lost(ledger, copy, backup)
    begin_anew(restored, guarded(restored, copy)[1].known_outside(), actor=SYSTEM, now=LATER)
    forked = seen(signers().sign("2026h2", f"{ORIGIN}\n7\n{'A' * 43}=\n", NOW))
    with restored.read() as connection, pytest.raises(RestoredBackupError, match="size 7"):
        check_seen(connection, forked)


def test_of_a_log_of_which_nothing_is_left_every_smaller_checkpoint_is_settled(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    backup.take()
    smaller = seen(grow(ledger, copy, 2))
    grow(ledger, copy, 3, LATER)
    restored = backup.restored()
    begin_anew(restored, guarded(restored, copy)[1].known_outside(), actor=SYSTEM, now=LATER)
    with restored.read() as connection:
        check_seen(connection, smaller)


def signed_at(ledger: Ledger, size: int) -> bytes:
    with ledger.read() as connection:
        note = checkpoint_at(connection, size, log="2026h2")
    assert note is not None
    return note


def test_a_witness_that_knows_still_more_stops_it_again(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    grow(ledger, copy, 3)
    backup.take()
    smaller = grow(ledger, copy, 2, LATER)
    largest = grow(ledger, copy, 2, LATER)
    restored = backup.restored()
    copy.path.unlink()
    record(restored, 1, now=LATER)
    begin_anew(restored, [seen(smaller)], actor=SYSTEM, now=LATER)
    with pytest.raises(RestoredBackupError, match="size 7"):
        guarded(restored, copy, [seen(largest)])[0].run_once(LATER)
    assert begin_anew(restored, [seen(largest)], actor=SYSTEM, now=LATER) == "2026h2c"
    assert guarded(restored, copy, [seen(largest)])[0].run_once(LATER)


def test_a_second_loss_gets_the_next_letter(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    restored = lost(ledger, copy, backup)
    begin_anew(restored, guarded(restored, copy)[1].known_outside(), actor=SYSTEM, now=LATER)
    again = Backup(restored.engine, copy.path.parent, "another")
    again.take()
    grow(restored, copy, 1, LATER)
    twice = again.restored()
    _, guard = guarded(twice, copy)
    assert begin_anew(twice, guard.known_outside(), actor=SYSTEM, now=LATER) == "2026h2c"


def test_no_log_is_begun_anew_when_nothing_is_lost(ledger: Ledger, copy: OutsideCopy) -> None:
    grow(ledger, copy, 3)
    with pytest.raises(NothingLostError):
        begin_anew(ledger, guarded(ledger, copy)[1].known_outside(), actor=SYSTEM, now=LATER)
    with pytest.raises(NothingLostError):
        begin_anew(ledger, [], actor=SYSTEM, now=LATER)


def test_no_log_goes_on_from_two_histories(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    grow(ledger, copy, 1)
    backup.take()
    one = grow(ledger, copy, 1, LATER)
    restored = backup.restored()
    record(restored, 1, now=LATER)
    Sequencer(restored, signers()).run_once(LATER)
    other = newest(restored)
    empty = backup.restored()
    with pytest.raises(ForkedError):
        begin_anew(empty, [seen(one), seen(other)], actor=SYSTEM, now=LATER)


# The copy and its keys


def test_a_copy_that_none_of_our_keys_has_signed_stops_the_signing(
    ledger: Ledger, copy: OutsideCopy
) -> None:
    other = LogSigners("vault.example/log", [Ed25519PrivateKey.generate()])
    text = split_note(grow(ledger, copy, 3))[0]
    copy.path.write_bytes(other.sign("2026h2", text, NOW))
    record(ledger, 1)
    sequencer, guard = guarded(ledger, copy)
    with pytest.raises(OutsideCopyError, match="not signed by the log's keys"):
        sequencer.run_once(NOW)
    with ledger.read() as connection:
        assert "not signed" in str(guard.problem(connection))


def test_a_log_that_was_renamed_is_told_its_old_name(ledger: Ledger, copy: OutsideCopy) -> None:
    """As when the address of the service changed and no LOG_NAME was set."""
    grow(ledger, copy, 3)
    key = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
    renamed = LogSigners("other.example/log", [key])
    guard = RollbackGuard(copy, renamed.verifiers)
    record(ledger, 1)
    with pytest.raises(OutsideCopyError, match="LOG_NAME back to it") as refused:
        Sequencer(ledger, renamed, guard=guard).run_once(NOW)
    assert ORIGIN in str(refused.value)


def test_a_witness_cannot_stop_the_log_with_a_size_that_we_did_not_sign() -> None:
    other = LogSigners("vault.example/log", [Ed25519PrivateKey.generate()])
    note = other.sign("2026h2", f"{ORIGIN}\n9\n{'A' * 43}=\n", NOW)
    with pytest.raises(NoteError, match="known key"):
        seen(note)


def test_witnesses_are_asked_once_before_the_first_signature(
    ledger: Ledger, copy: OutsideCopy
) -> None:
    asked: list[Sequence[str]] = []

    def ask(logs: Sequence[str]) -> Sequence[Seen]:
        asked.append(logs)
        return ()

    guard = RollbackGuard(copy, signers().verifiers, ask)
    sequencer = Sequencer(ledger, signers(), publish=[guard.publish], guard=guard)
    sequencer.run_once(NOW)
    assert asked == []  # nothing waits, nothing is signed
    for _ in range(2):
        record(ledger, 1)
        sequencer.run_once(NOW)
    assert asked == [["2026h2"]]


def test_a_checkpoint_that_turns_up_later_stops_the_signing_too(
    ledger: Ledger, copy: OutsideCopy, backup: Backup
) -> None:
    grow(ledger, copy, 1)
    backup.take()
    more = grow(ledger, copy, 5, LATER)
    restored = backup.restored()
    copy.path.unlink()
    record(restored, 1, now=LATER)
    sequencer, guard = guarded(restored, copy)
    assert sequencer.run_once(LATER)  # no witness answered, and the copy is gone
    guard.found([seen(more)])
    record(restored, 1, now=LATER)
    for _ in range(2):
        with pytest.raises(RestoredBackupError):
            sequencer.run_once(LATER)


def test_no_checkpoint_follows_one_that_could_not_be_copied(
    ledger: Ledger, copy: OutsideCopy, tmp_path: Path
) -> None:
    away = OutsideCopy(tmp_path / "volume" / "copy")
    sequencer, guard = guarded(ledger, away)
    for _ in range(2):
        record(ledger, 1)
        with pytest.raises(OutsideCopyError, match="cannot be written"):
            sequencer.run_once(NOW)
    with ledger.read() as connection:
        assert log_state(connection).size == 1
        assert "cannot be written" in str(guard.problem(connection))
    away.path.parent.mkdir()
    assert sequencer.run_once(NOW)
    with ledger.read() as connection:
        assert guard.problem(connection) is None
    assert size_of(away.read() or b"") == 2
    assert copy.read() is None


def test_an_older_process_does_not_move_the_copy_back(ledger: Ledger, copy: OutsideCopy) -> None:
    first = grow(ledger, copy, 1)
    second = grow(ledger, copy, 1, LATER)
    _, guard = guarded(ledger, copy)
    guard.publish(Checkpoint.parse(split_note(first)[0]), first)
    assert copy.read() == second
