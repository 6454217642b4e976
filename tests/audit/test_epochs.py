"""Epochs of key-encryption keys: begun, closed when nothing needs them, ended; each step once."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from audit.check_report import Gap
from audit.completeness import check
from audit.epochs import (
    Epoch,
    StillNeededError,
    alone,
    begin_epoch,
    close_epoch,
    end_epoch,
    epochs,
)
from audit.model import SYSTEM, Entry
from audit.not_written import EventNotWrittenError
from audit.open_epoch import ClosedEpochError, hold_open
from audit.own_effects import EFFECTS
from audit.reader import search
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from tests.audit.faulty import run, unguard
from tests.audit.sample import NOW

OLD, NEW = "file:1", "file:2"


def nothing(_connection: Connection) -> int:
    return 0


def told(ledger: Ledger) -> list[Entry]:
    with ledger.read() as connection:
        return search(connection, ledger)


def test_every_step_is_an_event_and_a_row(ledger: Ledger) -> None:
    later, last = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        begin_epoch(uow, NEW)
    with begin(ledger, actor=SYSTEM, now=later) as uow:
        close_epoch(uow, OLD, nothing)
    with begin(ledger, actor=SYSTEM, now=last) as uow:
        end_epoch(uow, OLD)
    with ledger.read() as connection:
        assert epochs(connection) == {
            NEW: Epoch(key_id=NEW, begun_at=NOW),
            OLD: Epoch(key_id=OLD, closed_at=later, destroyed_at=last),
        }
    assert [(e.get("kind"), e.get("reference")) for e in told(ledger)] == [
        ("keys.epoch-ended", OLD),
        ("keys.epoch-closed", OLD),
        ("keys.epoch-begun", NEW),
    ]


def test_a_step_is_taken_once(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        begin_epoch(uow, NEW)
    with pytest.raises(IntegrityError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        begin_epoch(uow, NEW)
    assert len(told(ledger)) == 1


def test_an_epoch_is_not_closed_while_keys_need_it(ledger: Ledger) -> None:
    with (
        pytest.raises(StillNeededError, match="3 keys are wrapped under file:1") as found,
        begin(ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        close_epoch(uow, OLD, lambda _connection: 3)
    assert (found.value.key_id, found.value.keys) == (OLD, 3)
    with ledger.read() as connection:
        assert epochs(connection) == {}


def test_nothing_is_written_under_a_closed_epoch(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        close_epoch(uow, OLD, nothing)
    with pytest.raises(ClosedEpochError, match=OLD), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        hold_open(uow.connection, OLD)


def test_a_new_log_key_under_a_closed_epoch_is_refused_with_its_event(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        begin_epoch(uow, NEW)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        close_epoch(uow, "memory:1", nothing)
    next_year = NOW.replace(year=NOW.year + 1)
    with (
        pytest.raises(ClosedEpochError, match="memory:1"),
        begin(ledger, actor=SYSTEM, now=next_year) as uow,
    ):
        begin_epoch(uow, "file:3")
    assert len(told(ledger)) == 2


def test_an_open_epoch_is_asked_for_once_in_a_transaction_and_anew_in_the_next(
    ledger: Ledger,
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        hold_open(uow.connection, OLD)
        hold_open(uow.connection, OLD)
        close_epoch(uow, OLD, nothing)
        hold_open(uow.connection, OLD)  # held already: only the next transaction is told
    with pytest.raises(ClosedEpochError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        hold_open(uow.connection, OLD)


def test_a_database_that_refuses_to_say_whether_it_is_open_fails_the_transaction(
    ledger: Ledger,
) -> None:
    run(ledger.engine, "DROP TABLE audit_epoch")
    with pytest.raises(EventNotWrittenError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        hold_open(uow.connection, OLD)


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_who_closes_an_epoch_waits_for_those_who_hold_it_open(ledger: Ledger) -> None:
    """On SQLite a second writer waits anyway; on PostgreSQL for the lock that this is about."""
    keys: list[int] = []
    closed: list[bool] = []

    def close() -> None:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            close_epoch(uow, OLD, lambda _connection: len(keys) - 1)
        closed.append(True)

    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        hold_open(uow.connection, OLD)
        thread = in_a_thread(close)
        thread.join(0.3)
        assert closed == []
        keys.append(1)
        begin_epoch(uow, NEW)
    thread.join(30)
    assert closed == [True]


def test_two_operators_take_their_steps_one_after_the_other(ledger: Ledger) -> None:
    taken: list[str] = []

    def take() -> None:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            alone(uow)
            if NEW not in epochs(uow.connection):
                begin_epoch(uow, NEW)
                taken.append(NEW)

    threads = [in_a_thread(take) for _ in range(4)]
    for thread in threads:
        thread.join(30)
    assert taken == [NEW]


def test_a_step_whose_row_is_gone_is_found(ledger: Ledger, sequencer: Sequencer) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        begin_epoch(uow, NEW)
    sequencer.run_once(NOW)
    assert check(ledger, [EFFECTS], now=NOW).findings == ()
    unguard(ledger.engine, "audit_epoch")
    run(ledger.engine, "DELETE FROM audit_epoch")
    assert [e.gap for e in check(ledger, [EFFECTS], now=NOW).findings] == [Gap.EVENT_WITHOUT_EFFECT]
