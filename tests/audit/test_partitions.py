"""Partitions on PostgreSQL: made ahead, a net where one is missing, and insert-only all of them."""

import logging
import threading
import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from audit import partitions
from audit.guards import weak_guards
from audit.not_written import EventNotWrittenError
from audit.partitions import STEP, alarms, rooms, tend, tend_each
from audit.proofs import entries_bundle, inclusion, log_state
from audit.sequencer import Sequencer
from audit.store import metadata
from audit.store import partitions as store
from audit.tiles import TILE_WIDTH
from audit.tree import TreeDamagedError
from audit.unit_of_work import Ledger
from tests.audit.checking import check_log
from tests.audit.faulty import run
from tests.audit.sample import LOG, NOW, record, signers

LATER = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def postgresql(engine: Engine) -> Engine:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no partitions")
    return engine


@pytest.fixture
def tended(postgresql: Engine) -> Engine:
    """With the partitions that an upgrade makes."""
    with postgresql.begin() as connection:
        tend(connection, NOW)
    return postgresql


def names(connection: Connection, table: str) -> list[str]:
    return sorted(each.name for each in store.ranges(connection, table))


def skip_numbers(engine: Engine, number: int) -> None:
    run(engine, f"SELECT setval('audit_event_number_seq', {number})")


def test_on_sqlite_there_is_nothing_to_do(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("for the database without partitions")
    with engine.connect() as connection:
        assert (rooms(connection, NOW), tend(connection, NOW), alarms(connection, NOW)) == (
            [],
            [],
            [],
        )


def waits(engine: Engine) -> bool:
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
    with engine.connect() as connection:
        return bool(connection.execute(text(query)).scalar_one())


def test_who_reads_leaves_and_then_events_meets_no_deadlock(
    ledger: Ledger, sequencer: Sequencer, postgresql: Engine
) -> None:
    """The first partitions come of the net, with both tables locked for a moment."""
    record(ledger, 3)
    sequencer.run_once(NOW)
    failed: list[BaseException] = []

    def tending() -> None:
        try:
            tend_each(postgresql.begin, NOW)
        except DBAPIError as error:
            failed.append(error)

    with postgresql.connect() as reader:
        assert reader.execute(text("SELECT count(*) FROM audit_leaf")).scalar_one() == 3
        thread = threading.Thread(target=tending)
        thread.start()
        while thread.is_alive() and not waits(postgresql):
            time.sleep(0.01)
        assert reader.execute(text("SELECT count(*) FROM audit_event")).scalar_one() == 3
    thread.join()
    assert failed == []
    with postgresql.connect() as connection:
        assert names(connection, "audit_event") == ["audit_event_0", "audit_event_1"]
        assert "audit_leaf_2026h2_0" in names(connection, "audit_leaf")


def test_partitions_are_made_ahead_also_of_the_next_half_year(tended: Engine) -> None:
    with tended.begin() as connection:
        assert names(connection, "audit_event") == ["audit_event_0", "audit_event_1"]
        assert names(connection, "audit_leaf") == [
            "audit_leaf_2026h2_0",
            "audit_leaf_2026h2_1",
            "audit_leaf_2027h1_0",
        ]
        assert alarms(connection, NOW) == []
        assert tend(connection, NOW) == []
        assert tend(connection, LATER) == ["audit_leaf_2027h1_1", "audit_leaf_2027h2_0"]
        assert alarms(connection, LATER) == []


def test_events_and_leaves_go_on_over_a_border(tended: Engine, ledger: Ledger) -> None:
    sequencer = Sequencer(ledger, signers())
    skip_numbers(tended, STEP - 3)
    record(ledger, 5)
    sequencer.run_once(NOW)
    with tended.begin() as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM audit_event_{k}")).scalar_one()
            for k in (0, 1)
        ]
        assert counts == [2, 3]
        assert tend(connection, NOW) == ["audit_event_2"]
    record(ledger, 2, now=LATER)
    sequencer.run_once(LATER)
    assert check_log(ledger, LOG, "2027h1") == 5 + 3
    with tended.connect() as connection:
        held = "SELECT count(*) FROM audit_leaf_2027h1_0"
        assert connection.execute(text(held)).scalar_one() == 3


def test_without_partitions_rows_fall_into_the_net_and_an_alarm_says_so(
    postgresql: Engine, ledger: Ledger
) -> None:
    ids = record(ledger, 300)
    Sequencer(ledger, signers()).run_once(NOW)
    with postgresql.begin() as connection:
        assert alarms(connection, NOW) == [
            "audit_event: rows of events lie in the default partition",
            "audit_leaf: rows of 2026h2 lie in the default partition",
        ]
        made = tend(connection, NOW)
        assert made[:2] == ["audit_event_0", "audit_leaf_2026h2_0"]
        assert alarms(connection, NOW) == []
        for table in ("audit_event_default", "audit_leaf_default"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
    record(ledger, 10)
    Sequencer(ledger, signers()).run_once(NOW)
    assert check_log(ledger) == 310
    with ledger.read() as connection:
        assert entries_bundle(connection, 0) is not None
        assert inclusion(connection, ledger, ids[7]) is not None


def test_writers_are_not_refused_while_the_net_becomes_a_partition(
    postgresql: Engine, ledger: Ledger
) -> None:
    """Rows on their way into the net when its partition comes would not fit there any more."""
    done = threading.Event()
    refused: list[Exception] = []

    def write() -> None:
        while not done.is_set():
            try:
                record(ledger)
            except EventNotWrittenError as error:
                refused.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for each in threads:
        each.start()
    try:
        for _ in range(3):  # so small that all of them are full again at the next turn
            time.sleep(0.5)
            with postgresql.begin() as connection:
                tend(connection, NOW, step=16)
    finally:
        done.set()
        for each in threads:
            each.join(60)
    assert refused == []


def test_a_net_that_holds_two_half_years_becomes_one_partition(
    postgresql: Engine, ledger: Ledger
) -> None:
    for now in (NOW, LATER):
        record(ledger, 3, now=now)
        Sequencer(ledger, signers()).run_once(now)
    with postgresql.begin() as connection:
        tend(connection, LATER)
        (held,) = [
            each
            for each in store.ranges(connection, "audit_leaf")
            if each.name == "audit_leaf_2026h2_0"
        ]
        assert (held.start, held.end) == (("2026h2", "0"), ("2027h1", str(STEP)))
        assert alarms(connection, LATER) == []
    assert check_log(ledger, LOG, "2027h1") == 3 + 4


@pytest.mark.parametrize("counts", [(40, 30), (70, 50), (40, 20)])
def test_a_net_around_a_partition_that_is_there_is_cut_at_its_borders(
    postgresql: Engine, ledger: Ledger, counts: tuple[int, int]
) -> None:
    """Both half-years had partitions, and both have outgrown them before anybody tended them."""
    with postgresql.begin() as connection:
        tend(connection, NOW, step=16)
    for count, now in zip(counts, (NOW, LATER), strict=True):
        record(ledger, count, now=now)
        Sequencer(ledger, signers()).run_once(now)
    with postgresql.begin() as connection:
        held = connection.execute(text("SELECT count(*) FROM audit_leaf_default")).scalar_one()
        assert held == counts[0] - 32 + counts[1] + 1 - 16
        made = tend(connection, LATER, step=16)
        assert {"audit_leaf_2026h2_2", "audit_leaf_2027h1_1"} <= set(made)
        assert connection.execute(text("SELECT count(*) FROM audit_leaf_default")).scalar_one() == 0
        assert weak_guards(connection, metadata.sorted_tables) == []
        found = store.ranges(connection, "audit_leaf")
        assert len({(each.start, each.end) for each in found}) == len(found)
    assert check_log(ledger, LOG, "2027h1") == sum(counts) + 1
    record(ledger, 5, now=LATER)
    Sequencer(ledger, signers()).run_once(LATER)
    with postgresql.begin() as connection:
        tend(connection, LATER, step=16)
    assert check_log(ledger, LOG, "2027h1") == sum(counts) + 6


def test_the_last_partition_in_use_is_an_alarm(tended: Engine, ledger: Ledger) -> None:
    skip_numbers(tended, STEP + 1)
    record(ledger)
    with tended.begin() as connection:
        assert alarms(connection, NOW) == ["audit_event: the last partition of events is in use"]


@pytest.mark.parametrize("moment", ["made", "of the net"])
def test_every_partition_is_guarded(tended: Engine, ledger: Ledger, moment: str) -> None:
    if moment == "of the net":
        skip_numbers(tended, 2 * STEP)
        record(ledger)
        with tended.begin() as connection:
            assert tend(connection, NOW)[0] == "audit_event_2"
    record(ledger, 3)
    Sequencer(ledger, signers()).run_once(NOW)
    with tended.connect() as connection:
        assert weak_guards(connection, metadata.sorted_tables) == []
        parts = [
            *names(connection, "audit_event"),
            *names(connection, "audit_leaf"),
            "audit_event_default",
        ]
    for part in parts:
        for change in (f"DELETE FROM {part}", f"UPDATE {part} SET number = 1"):
            with tended.connect() as connection:
                rows = connection.execute(text(f"SELECT count(*) FROM {part}")).scalar_one()
                if rows:
                    with pytest.raises(DBAPIError, match="insert-only"):
                        connection.execute(text(change))
        with tended.connect() as connection, pytest.raises(DBAPIError, match="insert-only"):
            connection.execute(text(f"TRUNCATE {part}"))


def test_an_event_id_is_unique_within_a_partition(tended: Engine) -> None:
    twice = (
        "INSERT INTO audit_event (event_id, at, commitment, digests, sealed) SELECT "
        "'0f8c2f2e-6c1b-4a44-9f0a-000000000001', now(), '', '', '' FROM generate_series(1, 2)"
    )
    with tended.connect() as connection, pytest.raises(DBAPIError, match="unique"):
        connection.execute(text(twice))


def test_an_event_is_not_placed_twice_also_where_no_constraint_sees_it(
    tended: Engine, ledger: Ledger
) -> None:
    """Its leaf lies in the partition of last half-year, the second one would lie in this one's."""
    record(ledger)
    Sequencer(ledger, signers()).run_once(NOW)
    run(tended, "INSERT INTO audit_queue (number) VALUES (1)")
    with pytest.raises(TreeDamagedError, match="has its place already"):
        Sequencer(ledger, signers()).run_once(LATER)


def test_who_does_not_own_the_tables_makes_none_and_is_alarmed(
    postgresql: Engine, ledger: Ledger
) -> None:
    record(ledger)
    with postgresql.begin() as connection:
        connection.execute(text("CREATE ROLE only_writes"))
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO only_writes"))
        for table in ("audit_event", "audit_leaf", "audit_log_start"):
            connection.execute(text(f"GRANT SELECT, INSERT ON {table} TO only_writes"))
    try:
        with postgresql.begin() as connection:
            connection.execute(text("SET LOCAL ROLE only_writes"))
            assert tend(connection, NOW) == []
            assert "rows of events lie in the default partition" in alarms(connection, NOW)[0]
    finally:
        run(postgresql, "DROP OWNED BY only_writes", "DROP ROLE only_writes")


def test_the_sequencer_makes_them_and_says_so(
    postgresql: Engine, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    record(ledger)
    sequencer = Sequencer(ledger, signers())
    with caplog.at_level(logging.INFO):
        sequencer.start(lambda: NOW)
        end = time.monotonic() + 20
        while "the partition audit_leaf_2027h1_0 was made" not in caplog.messages:
            assert time.monotonic() < end
            time.sleep(0.02)
        sequencer.stop()
    with postgresql.connect() as connection:
        assert log_state(connection).size <= 1
        assert alarms(connection, NOW) == []


def test_the_sequencer_that_may_not_tells_what_to_run(
    postgresql: Engine, ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    record(ledger)
    run(postgresql, "ALTER TABLE audit_event_default RENAME TO elsewhere")
    sequencer = Sequencer(ledger, signers())
    with caplog.at_level(logging.ERROR):
        sequencer.start(lambda: NOW)
        end = time.monotonic() + 20
        while _size(ledger) == 0:
            assert time.monotonic() < end
            time.sleep(0.02)
        sequencer.stop()
    assert caplog.messages == ["partitions were not looked after: ProgrammingError"]


def _size(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return log_state(connection).size


def test_the_sequencer_that_owns_no_table_tells_of_the_room_that_ends(
    ledger: Ledger,
    postgresql: Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("audit.store.partitions.owned", lambda _: False)
    record(ledger)
    with caplog.at_level(logging.ERROR):
        sequencer = Sequencer(ledger, signers())
        sequencer.start(lambda: NOW)
        end = time.monotonic() + 20
        while not any("consent-vault db upgrade" in each for each in caplog.messages):
            assert time.monotonic() < end
            time.sleep(0.02)
        sequencer.stop()
    with postgresql.connect() as connection:
        assert names(connection, "audit_event") == []


def test_a_border_is_a_whole_number_of_tiles() -> None:
    assert partitions.STEP % 256**2 == 0
    assert TILE_WIDTH == 256
