"""Faults at each step of the sequencer: nothing lost, nothing forked, nothing false signed."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from audit.checkpoint import Checkpoint
from audit.sequencer import Sequencer
from audit.tree import TreeDamagedError
from audit.unit_of_work import Ledger
from tests.audit.checking import ActingSigner, check_log
from tests.audit.faulty import alter, refuse_commit, repair, run, unguard
from tests.audit.sample import NOW, record, signers


def lost_key() -> None:
    raise OSError("the token is not there")


def test_a_failing_signer_places_nothing(ledger: Ledger) -> None:
    record(ledger, 300)
    with pytest.raises(OSError, match="token"):
        Sequencer(ledger, ActingSigner(lost_key)).run_once(NOW)
    assert check_log(ledger) == 0
    Sequencer(ledger, signers()).run_once(NOW)
    assert check_log(ledger) == 300


def test_a_failing_commit_publishes_nothing(ledger: Ledger) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no deferred trigger")
    published: list[int] = []
    sequencer = Sequencer(
        ledger, signers(), publish=[lambda checkpoint, _: published.append(checkpoint.size)]
    )
    record(ledger, 10)
    refuse_commit(ledger.engine, "audit_checkpoint")
    with pytest.raises(DBAPIError, match="planted"):
        sequencer.run_once(NOW)
    assert (published, check_log(ledger)) == ([], 0)
    repair(ledger.engine, "audit_checkpoint")
    sequencer.run_once(NOW)
    assert (published, check_log(ledger)) == ([10], 10)


def test_a_connection_lost_while_signing_places_nothing(ledger: Ledger) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no connection to lose")

    def cut() -> None:
        at_work = "relation = 'audit_leaf'::regclass AND mode = 'RowExclusiveLock'"
        run(
            ledger.engine,
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE {at_work}",
        )

    record(ledger, 10)
    with pytest.raises(DBAPIError):
        Sequencer(ledger, ActingSigner(cut)).run_once(NOW)
    assert check_log(ledger) == 0
    Sequencer(ledger, signers()).run_once(NOW)
    assert check_log(ledger) == 10


def test_a_failing_publisher_takes_nothing_back(ledger: Ledger) -> None:
    def fail(_checkpoint: Checkpoint, _note: bytes) -> None:
        raise OSError("no witness answers")

    sequencer = Sequencer(ledger, signers(), publish=[fail])
    for size in (1, 2):
        record(ledger)
        with pytest.raises(OSError, match="witness"):
            sequencer.run_once(NOW)
        assert check_log(ledger) == size


HALF = "CAST(substr(hashes, 1, 8160) || zeroblob(32) AS BLOB)"
ALTERED = {
    "a leaf's hash": (
        "audit_leaf",
        "index",
        "UPDATE audit_leaf SET leaf_hash = zeroblob(32)",
        "NEW.leaf_hash := decode(repeat('00', 32), 'hex')",
    ),
    "a leaf that vanishes": (
        "audit_leaf",
        "index",
        "DELETE FROM audit_leaf",
        "IF NEW.index = 3 THEN RETURN NULL; END IF",
    ),
    "a tile's hashes": (
        "audit_tile",
        "position",
        f"UPDATE audit_tile SET hashes = {HALF}",
        "NEW.hashes := substr(NEW.hashes, 1, 8160) || decode(repeat('00', 32), 'hex')",
    ),
    "a tile's root": (
        "audit_tile",
        "position",
        "UPDATE audit_tile SET root = zeroblob(32)",
        "NEW.root := decode(repeat('00', 32), 'hex')",
    ),
    "a tile that vanishes": (
        "audit_tile",
        "position",
        "DELETE FROM audit_tile",
        "IF NEW.position = 0 THEN RETURN NULL; END IF",
    ),
}


@pytest.mark.parametrize("how", ALTERED.values(), ids=ALTERED)
def test_what_reads_back_differently_is_not_signed(
    ledger: Ledger, sequencer: Sequencer, how: tuple[str, str, str, str]
) -> None:
    record(ledger, 260)
    alter(ledger.engine, *how)
    with pytest.raises(TreeDamagedError):
        sequencer.run_once(NOW)
    assert check_log(ledger) == 0


def changed_leaf(engine: Engine) -> None:
    unguard(engine, "audit_leaf")
    other = '(SELECT leaf_hash FROM audit_leaf WHERE "index" = 1)'
    run(engine, f'UPDATE audit_leaf SET leaf_hash = {other} WHERE "index" = 2')


def cut_tail(engine: Engine) -> None:
    unguard(engine, "audit_leaf")
    run(engine, 'DELETE FROM audit_leaf WHERE "index" = 4')


def lost_checkpoint(engine: Engine) -> None:
    unguard(engine, "audit_checkpoint")
    run(engine, "DELETE FROM audit_checkpoint")


def lost_middle(engine: Engine) -> None:
    unguard(engine, "audit_leaf")
    run(engine, 'DELETE FROM audit_leaf WHERE "index" = 2')


@pytest.mark.parametrize("damage", [changed_leaf, cut_tail, lost_checkpoint, lost_middle])
@pytest.mark.parametrize("restarted", [True, False])
def test_a_tree_that_is_not_the_signed_one_is_not_continued(
    ledger: Ledger, damage: Callable[[Engine], None], restarted: bool
) -> None:
    running = Sequencer(ledger, signers())
    record(ledger, 5)
    running.run_once(NOW)
    damage(ledger.engine)
    record(ledger)
    with pytest.raises(TreeDamagedError):
        (Sequencer(ledger, signers()) if restarted else running).run_once(NOW)


def test_a_database_put_back_under_a_running_sequencer_is_not_continued(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    # As from a backup: all of it fits together, only that a larger tree has been signed since.
    record(ledger, 3)
    sequencer.run_once(NOW)
    record(ledger, 2)
    sequencer.run_once(NOW)
    for table in ("audit_checkpoint", "audit_leaf", "audit_event"):
        unguard(ledger.engine, table)
    run(
        ledger.engine,
        "DELETE FROM audit_checkpoint WHERE size = 5",
        'DELETE FROM audit_leaf WHERE "index" > 2',
        *(f"DELETE FROM audit_{name} WHERE number > 3" for name in ("event", "search", "about")),
    )
    record(ledger)
    with pytest.raises(TreeDamagedError, match="smaller"):
        sequencer.run_once(NOW)


def test_a_log_emptied_under_a_running_sequencer_is_not_begun_anew(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    record(ledger, 3)
    sequencer.run_once(NOW)
    for table in ("audit_checkpoint", "audit_leaf"):
        unguard(ledger.engine, table)
    run(ledger.engine, "DELETE FROM audit_checkpoint", "DELETE FROM audit_leaf")
    record(ledger)
    with pytest.raises(TreeDamagedError, match="smaller"):
        sequencer.run_once(NOW)


def test_a_queued_event_that_is_not_in_the_log_stops_the_sequencer(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    record(ledger)
    run(ledger.engine, "INSERT INTO audit_queue (number) VALUES (77)")
    with pytest.raises(TreeDamagedError, match="not in the log"):
        sequencer.run_once(NOW)
