"""The writing transaction: one at a time on SQLite, never nested, used in two places only."""

import ast
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import QueuePool, text

from audit.database import KEPT
from audit.model import SYSTEM
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from tests.audit.sample import NOW, record

ROOT = Path(__file__).parents[2]
ROOMS = ("audit", "connectors", "consent", "policies", "service", "vault")


def test_only_begin_and_the_work_of_the_background_write_without_accounting() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if any(
            isinstance(node, ast.Attribute) and node.attr in {"unaccounted_transaction", "writer"}
            for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    background = {
        f"audit/{each}.py" for each in ("sequencer", "health", "witnessing", "timestamping")
    }
    assert users == background | {"audit/unit_of_work.py"}


# Each is a way past `begin`: a commit before the event, an event rolled back to a savepoint after
# it was counted, a statement whose changes are not.
PAST_BEGIN = {"begin_nested", "commit", "driver_connection", "dbapi_connection", "raw_connection"}


def test_no_room_goes_past_the_unit_of_work() -> None:
    users = {
        (path.relative_to(ROOT).as_posix(), node.attr)
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in PAST_BEGIN
    }
    past_core = {"changes", "database", "driver"}
    assert users == {(f"audit/{name}.py", "driver_connection") for name in past_core}


def test_units_of_work_do_not_nest_on_sqlite(ledger: Ledger) -> None:
    if ledger.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL lets a second transaction run beside the first")
    with begin(ledger, actor=SYSTEM, now=NOW):
        with (
            pytest.raises(RuntimeError, match="inside another"),
            begin(ledger, actor=SYSTEM, now=NOW),
        ):
            pass
        with pytest.raises(RuntimeError, match="inside another"):
            record(ledger)
    record(ledger)


def test_a_failed_unit_of_work_lets_the_next_one_in(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), begin(ledger, actor=SYSTEM, now=NOW):
        _ = 1 / 0
    record(ledger)


def test_writers_of_other_threads_wait_for_their_turn(ledger: Ledger, sequencer: Sequencer) -> None:
    entered = threading.Event()

    def second() -> None:
        entered.set()
        record(ledger)

    thread = threading.Thread(target=second)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        thread.start()
        assert entered.wait(5)
        uow.connection.execute(text("SELECT 1"))
    thread.join(10)
    checkpoint = sequencer.run_once(NOW)
    assert checkpoint is not None
    assert checkpoint.size == 1


def test_no_more_connections_are_kept_than_the_hot_paths_have_threads(ledger: Ledger) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    with ExitStack() as units:
        for _ in range(KEPT + 3):
            units.enter_context(begin(ledger, actor=SYSTEM, now=NOW))
    pool = ledger.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() == KEPT
    ledger.engine.dispose()
    record(ledger)


def test_a_connection_that_the_server_closed_is_not_used_again(ledger: Ledger) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server")
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        pid = uow.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with ledger.read() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend({pid}, 5000)"))
    record(ledger)
