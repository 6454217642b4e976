"""What was left out, taken out or put in is found, page by page, and nothing is changed by it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Uuid,
    func,
    insert,
    select,
    text,
)

from audit.check_cursor import CursorError, Key
from audit.check_report import SHOWN, Gap, Report
from audit.completeness import alone, broken_promises, check
from audit.database import Instant
from audit.effects import Demand, EffectTable, Expected, Near, RoomEffects, Used
from audit.erasure import destroy_log_key, forget
from audit.model import SYSTEM, Event, Kind
from audit.own_effects import EFFECTS as OWN
from audit.promise import Promise
from audit.sequencer import Sequencer
from audit.store import tables
from audit.store.archive import raise_minimum
from audit.store.completeness import events_after
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, PersonId
from tests.audit.sample import AINO, LOG, MATTI, NOW, record
from tests.unguarded import unguard

LATER = NOW + timedelta(minutes=5)
_room = MetaData()
SESSIONS = Table(
    "room_session",
    _room,
    Column("person", Uuid, primary_key=True),
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
)
TOKENS = Table(
    "room_token",
    _room,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("expires_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False),
)
SIGNED_IN, ISSUED = frozenset({Kind.SIGNED_IN}), frozenset({Kind.TOKEN_ISSUED})
ROOM = RoomEffects(
    tables=(
        EffectTable(table=SESSIONS, kinds=SIGNED_IN, demand=Demand(kinds=SIGNED_IN)),
        EffectTable(
            table=TOKENS,
            kinds=ISSUED,
            demand=Demand(
                kinds=ISSUED,
                kept=timedelta(days=1),
                near=Near(TOKENS.c.expires_at, timedelta(minutes=5)),
            ),
        ),
    )
)


@pytest.fixture
def log(ledger: Ledger, sequencer: Sequencer) -> Ledger:
    """Ten events about Aino, three sessions and two tokens, all with their leaves."""
    _room.create_all(ledger.engine)
    record(ledger, 10)
    for key in range(3):
        _session(ledger, key)
    for key in range(2):
        _token(ledger, key)
    sequencer.run_once(NOW)
    return ledger


@pytest.fixture
def changing(log: Ledger) -> Iterator[Connection]:
    """The database as its owner reaches it, every guard taken away."""
    with log.engine.begin() as connection:
        for table in tables.INSERT_ONLY:
            unguard(connection, table)
    with log.engine.begin() as connection:
        yield connection


def _session(ledger: Ledger, key: int) -> EventId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        event_id = uow.record(Event(kind=Kind.SIGNED_IN, subject=AINO))
        row = {"person": AINO, "key": key, "audit_event_id": event_id}
        uow.connection.execute(insert(SESSIONS).values(row))
    return event_id


def _token(ledger: Ledger, key: int, *, now: datetime = NOW) -> EventId:
    with begin(ledger, actor=SYSTEM, now=now) as uow:
        event_id = uow.record(Event(kind=Kind.TOKEN_ISSUED, subject=AINO))
        row = {"key": key, "expires_at": now + timedelta(minutes=5), "audit_event_id": event_id}
        uow.connection.execute(insert(TOKENS).values(row))
    return event_id


def checked(ledger: Ledger, *, now: datetime = LATER, batch: int = 4) -> Report:
    return check(ledger, [ROOM], now=now, batch=batch)


def gaps(ledger: Ledger, *, batch: int = 4) -> dict[Gap, int]:
    return dict(checked(ledger, batch=batch).counts)


def places(ledger: Ledger) -> list[str]:
    return [each.place for each in checked(ledger).findings]


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 15, 16, 1000])
def test_a_whole_log_has_no_gap_in_pages_of_any_size(log: Ledger, batch: int) -> None:
    report = check(log, [ROOM], now=LATER, batch=batch)
    assert report.ok
    assert report.cursor is None
    assert report.rows == 15 + 15 + 3 + 2


def test_an_empty_log_has_no_gap(ledger: Ledger) -> None:
    _room.create_all(ledger.engine)
    assert checked(ledger).ok


def test_what_waits_for_a_moment_is_no_gap_and_what_waits_longer_is_one(log: Ledger) -> None:
    (waiting,) = record(log, 1)
    assert checked(log, now=NOW + timedelta(seconds=60)).ok
    report = checked(log, now=NOW + timedelta(seconds=61))
    assert [(each.gap, each.place) for each in report.findings] == [
        (Gap.EVENT_OVERDUE, str(waiting))
    ]


def test_an_event_taken_out_of_the_queue_is_found_at_once(log: Ledger) -> None:
    (dropped,) = record(log, 1)
    with log.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_queue"))
    report = checked(log, now=NOW)
    assert [(each.gap, each.place) for each in report.findings] == [
        (Gap.EVENT_WITHOUT_LEAF, str(dropped))
    ]


def test_a_deleted_event_is_missed_by_its_leaf_and_by_its_effect(
    log: Ledger, changing: Connection
) -> None:
    event_id = changing.execute(select(SESSIONS.c.audit_event_id)).scalars().first()
    changing.execute(tables.event.delete().where(tables.event.c.event_id == event_id))
    changing.commit()
    assert gaps(log) == {Gap.LEAF_WITHOUT_EVENT: 1, Gap.EFFECT_WITHOUT_EVENT: 1}
    assert f"{event_id} in room_session" in places(log)


def test_an_event_and_its_leaf_taken_out_together_leave_a_hole(
    log: Ledger, changing: Connection
) -> None:
    changing.execute(text("DELETE FROM audit_event WHERE number = 4"))
    changing.execute(text("DELETE FROM audit_leaf WHERE number = 4"))
    changing.commit()
    assert gaps(log) == {Gap.LEAF_MISSING: 1}
    assert places(log) == [f"{LOG}/3"]


@pytest.mark.parametrize("batch", [1, 4, 14, 15, 1000])
def test_a_tail_that_was_cut_off_is_found(log: Ledger, changing: Connection, batch: int) -> None:
    changing.execute(text("DELETE FROM audit_event WHERE number = 15"))
    changing.execute(text("DELETE FROM audit_leaf WHERE number = 15"))
    changing.execute(text("DELETE FROM room_token WHERE key = 1"))
    changing.commit()
    assert gaps(log, batch=batch) == {Gap.TREE_NOT_SIGNED: 1}


def test_leaves_beyond_the_signed_tree_are_found(log: Ledger, changing: Connection) -> None:
    record(log, 1)
    row = {"log": LOG, "index": 15, "number": 16, "leaf_hash": bytes(32)}
    changing.execute(insert(tables.leaf).values(row))
    changing.commit()
    assert gaps(log) == {
        Gap.TREE_NOT_SIGNED: 1,
        Gap.LEAF_DIFFERS: 1,
        Gap.LEAF_TWICE: 1,  # it waits for its own
        Gap.EVENT_OVERDUE: 1,
    }


def test_a_tree_without_any_leaf_is_found(log: Ledger, changing: Connection) -> None:
    changing.execute(text("DELETE FROM audit_leaf"))
    changing.commit()
    assert gaps(log) == {Gap.EVENT_WITHOUT_LEAF: 15, Gap.LEAF_MISSING: 1}
    assert places(log)[-1] == f"{LOG}/0"


def test_the_leaf_of_another_event_is_found(log: Ledger, changing: Connection) -> None:
    changing.execute(
        text(
            "UPDATE audit_event SET commitment = leaf_hash FROM audit_leaf"
            " WHERE audit_leaf.number = audit_event.number AND audit_event.number = 2"
        )
    )
    changing.commit()
    assert gaps(log) == {Gap.LEAF_DIFFERS: 1}


def test_a_second_leaf_of_an_event_is_found(log: Ledger, changing: Connection) -> None:
    # As it can be where the table is spread over partitions: no key holds over all of them.
    changing.execute(text("CREATE TABLE copy AS SELECT * FROM audit_leaf"))
    changing.execute(text("DROP TABLE audit_leaf"))
    changing.execute(text("ALTER TABLE copy RENAME TO audit_leaf"))
    changing.execute(
        text(
            "INSERT INTO audit_leaf SELECT '2027h1', 0, number, leaf_hash FROM audit_leaf"
            " WHERE number = 2"
        )
    )
    changing.commit()
    assert gaps(log) == {Gap.LEAF_TWICE: 1, Gap.TREE_NOT_SIGNED: 1}


def test_an_event_that_waits_for_a_second_leaf_is_found(log: Ledger, changing: Connection) -> None:
    changing.execute(text("INSERT INTO audit_queue VALUES (2)"))
    changing.commit()
    assert gaps(log) == {Gap.LEAF_TWICE: 1, Gap.EVENT_OVERDUE: 1}


def test_an_event_that_the_auditor_would_not_find_is_found(
    log: Ledger, changing: Connection
) -> None:
    changing.execute(text("DELETE FROM audit_search WHERE number = 2"))
    changing.commit()
    assert gaps(log) == {Gap.EVENT_NOT_SEARCHABLE: 1}


def test_two_events_with_one_id_are_found(log: Ledger, changing: Connection) -> None:
    # As it can be where the table is spread over partitions: no key holds over all of them.
    changing.execute(text("CREATE TABLE copy AS SELECT * FROM audit_event"))
    changing.execute(
        text(
            "INSERT INTO copy SELECT number + 2, event_id, at, commitment, digests,"
            " sealed FROM audit_event WHERE number = 15"
        )
    )
    changing.execute(text("DROP TABLE audit_event"))
    changing.execute(text("ALTER TABLE copy RENAME TO audit_event"))
    changing.commit()
    assert gaps(log)[Gap.EVENT_TWICE] >= 1


def test_an_effect_that_names_no_event_is_found(log: Ledger) -> None:
    nobody = uuid4()
    with log.engine.begin() as connection:
        row = {"person": MATTI, "key": 1, "audit_event_id": nobody}
        connection.execute(insert(SESSIONS).values(row))
    assert gaps(log) == {Gap.EFFECT_WITHOUT_EVENT: 1}
    assert places(log) == [f"{nobody} in room_session"]


def test_an_effect_that_names_an_event_of_another_kind_is_found(log: Ledger) -> None:
    (viewed,) = record(log, 1)
    with log.engine.begin() as connection:
        row = {"person": MATTI, "key": 1, "audit_event_id": viewed}
        connection.execute(insert(SESSIONS).values(row))
    assert gaps(log, batch=4)[Gap.EFFECT_OF_ANOTHER_KIND] == 1


@pytest.mark.parametrize("table", [SESSIONS, TOKENS], ids=lambda t: t.name)
def test_an_event_whose_effect_was_taken_away_is_found(log: Ledger, table: Table) -> None:
    with log.engine.begin() as connection:
        connection.execute(table.delete().where(table.c.key == 1))
    assert gaps(log) == {Gap.EVENT_WITHOUT_EFFECT: 1}


def test_an_effect_that_no_event_demands_may_be_gone(log: Ledger) -> None:
    with log.engine.begin() as connection:
        connection.execute(SESSIONS.delete())
    free = RoomEffects(tables=(EffectTable(table=SESSIONS, kinds=SIGNED_IN),))
    assert check(log, [free], now=LATER).ok


def test_an_effect_that_has_had_its_time_is_not_demanded(log: Ledger) -> None:
    with log.engine.begin() as connection:
        connection.execute(TOKENS.delete())
    assert checked(log, now=NOW + timedelta(days=1, seconds=1)).ok


def test_a_report_names_the_first_places_of_each_kind_and_counts_all(log: Ledger) -> None:
    with log.engine.begin() as connection:
        for key in range(SHOWN + 5):
            row = {"person": MATTI, "key": key, "audit_event_id": uuid4()}
            connection.execute(insert(SESSIONS).values(row))
    report = checked(log)
    assert dict(report.counts) == {Gap.EFFECT_WITHOUT_EVENT: SHOWN + 5}
    assert len(report.findings) == SHOWN


def test_a_check_that_was_stopped_goes_on_where_it_was(log: Ledger) -> None:
    with log.engine.begin() as connection:
        connection.execute(SESSIONS.delete().where(SESSIONS.c.key == 1))
    cursor, rows, found, rounds = None, 0, 0, 0
    while rounds == 0 or cursor is not None:
        once = iter([False, True])
        part = check(log, [ROOM], now=LATER, cursor=cursor, stop=lambda: next(once), batch=2)  # noqa: B023
        cursor, rounds = part.cursor, rounds + 1
        rows, found = rows + part.rows, found + sum(part.counts.values())
    assert rounds > 10
    assert (rows, found) == (15 + 15 + 2 + 2, 1)


@pytest.mark.parametrize(
    "cursor",
    ["", "[]", "5", '["events"]', '["events",[["int","x"]]]', '["events",[["time",5]]]',
     '["no such step",null]', '["events",[["str","x"]]]', '["leaves",[["str","x"],["str","y"]]]'],
)  # fmt: skip
def test_a_cursor_that_is_none_is_refused(log: Ledger, cursor: str) -> None:
    with pytest.raises(CursorError):
        check(log, [ROOM], now=LATER, cursor=cursor)


def test_a_check_changes_nothing(log: Ledger) -> None:
    with log.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_queue"))
        connection.execute(SESSIONS.delete().where(SESSIONS.c.key == 1))
    assert gaps(log) == gaps(log) == {Gap.EVENT_WITHOUT_EFFECT: 1}


def test_of_two_that_want_to_check_at_once_one_does(ledger: Ledger) -> None:
    with alone(ledger) as first, alone(ledger) as second:
        assert first
        assert second is (ledger.engine.dialect.name == "sqlite")
    with pytest.raises(ValueError, match="in between"), alone(ledger):
        raise ValueError("in between")
    with alone(ledger) as again:
        assert again


# What was promised


def _promised(ledger: Ledger, *, commitment: bytes | None = None) -> Promise:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        event_id = uow.record(Event(kind=Kind.SIGNED_IN))
    made = uow.commitment_of(event_id) if commitment is None else commitment
    return Promise("vault.example/log", event_id, made, NOW)


def test_a_promise_is_not_broken_before_its_time_has_come(log: Ledger) -> None:
    promise = _promised(log)
    assert broken_promises(log, [promise], now=NOW + timedelta(seconds=59)) == []
    late = broken_promises(log, [promise], now=NOW + timedelta(seconds=60))
    assert late == [str(promise.event_id)]


def test_a_promise_is_kept_by_the_leaf_of_its_commitment_alone(
    log: Ledger, sequencer: Sequencer
) -> None:
    kept, other = _promised(log), _promised(log, commitment=bytes(32))
    sequencer.run_once(NOW)
    assert broken_promises(log, [kept, other], now=LATER) == [str(other.event_id)]


# Where the oldest part stands in an archive


@pytest.fixture
def pruned(log: Ledger, sequencer: Sequencer) -> Ledger:
    """The events up to number 11, among them a session's, and their leaves are archived."""
    with begin(log, actor=SYSTEM, now=NOW) as uow:
        happened = Event(kind=Kind.LOG_PRUNED, reference=f"{LOG}:11")
        raise_minimum(uow.connection, LOG, 11, NOW, uow.record(happened))
    sequencer.run_once(NOW)
    with log.engine.begin() as connection:
        for table in (tables.event.name, tables.leaf.name):
            unguard(connection, table)
            connection.execute(text(f"DELETE FROM {table} WHERE number <= 11"))
    return log


def with_archive(ledger: Ledger, *, batch: int = 4) -> Report:
    return check(ledger, [ROOM, OWN], now=LATER, batch=batch)


@pytest.mark.parametrize("batch", [1, 4, 1000])
def test_what_is_archived_is_not_missing(pruned: Ledger, batch: int) -> None:
    report = with_archive(pruned, batch=batch)
    assert report.findings == ()
    assert report.in_archive == 1


def test_a_pruned_log_may_have_no_leaf_left(pruned: Ledger) -> None:
    with pruned.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_leaf"))
        raise_minimum(connection, LOG, 16, NOW, uuid4())
    found = dict(with_archive(pruned).counts)
    assert Gap.LEAF_MISSING not in found
    assert Gap.TREE_NOT_SIGNED not in found


def test_a_minimum_index_that_its_event_does_not_tell_hides_nothing(
    log: Ledger, sequencer: Sequencer
) -> None:
    with begin(log, actor=SYSTEM, now=NOW) as uow:
        happened = Event(kind=Kind.LOG_PRUNED, reference=f"{LOG}:1")
        raise_minimum(uow.connection, LOG, 5, NOW, uow.record(happened))
    sequencer.run_once(NOW)
    with log.engine.begin() as connection:
        for table in (tables.event.name, tables.leaf.name):
            unguard(connection, table)
            connection.execute(text(f"DELETE FROM {table} WHERE number IN (2, 4)"))
    found = [(each.gap, each.place) for each in with_archive(log).findings]
    assert found == [(Gap.MINIMUM_DIFFERS, f"{LOG}/5")]


def test_a_minimum_index_whose_event_cannot_be_archived_yet_must_have_one(pruned: Ledger) -> None:
    with pruned.engine.begin() as connection:
        raise_minimum(connection, LOG, 14, LATER, uuid4())
        raise_minimum(connection, LOG, 13, NOW, uuid4())
    found = [(each.gap, each.place) for each in with_archive(pruned).findings]
    assert found == [(Gap.EFFECT_WITHOUT_EVENT, f"{LOG}/14")]


def test_a_minimum_index_with_a_damaged_event_is_told(pruned: Ledger) -> None:
    with pruned.engine.begin() as connection:
        connection.execute(
            text("UPDATE audit_event SET digests = :other WHERE number = 16"), {"other": bytes(768)}
        )
    found = [(each.gap, each.place) for each in with_archive(pruned).findings]
    assert found == [(Gap.EVENT_DAMAGED, f"{LOG}/11")]


def test_a_leaf_above_the_archive_is_missing_as_ever(pruned: Ledger) -> None:
    with pruned.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_leaf WHERE number IN (12, 14)"))
    report = with_archive(pruned)
    missing = [each.place for each in report.findings if each.gap is Gap.LEAF_MISSING]
    assert missing == [f"{LOG}/11", f"{LOG}/13"]


def test_an_event_above_the_archive_is_missing_as_ever(pruned: Ledger) -> None:
    with pruned.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_event WHERE number = 14"))
    assert Gap.LEAF_WITHOUT_EVENT in with_archive(pruned).counts


def test_of_a_promise_as_old_as_the_archive_nothing_is_said(pruned: Ledger) -> None:
    unknown = Promise("vault.example/log", uuid4(), bytes(32), NOW)
    later = replace(unknown, at=NOW + timedelta(seconds=1))
    assert broken_promises(pruned, [unknown], now=LATER) == []
    assert broken_promises(pruned, [later], now=LATER) == [str(later.event_id)]


def test_of_a_consent_as_old_as_the_archive_no_releases_are_counted(pruned: Ledger) -> None:
    later = NOW + timedelta(seconds=1)
    assert check(pruned, [_count(7)], now=NOW).ok
    assert not check(pruned, [_count(7, since=later)], now=NOW).ok


# What a row tells of a second event


def _telling(expected: Sequence[Expected | None] = (), used: Sequence[Used] = ()) -> RoomEffects:
    def read_expected(
        _connection: Connection, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, Expected | None]]:
        first = 0 if after is None else int(str(after[0])) + 1
        return [((i,), expected[i]) for i in range(first, len(expected))][:limit]

    def read_used(
        _connection: Connection, after: Key | None, _limit: int
    ) -> Sequence[tuple[Key, Used]]:
        return [] if after else [((i,), each) for i, each in enumerate(used)]

    return RoomEffects(expected=(("codes", read_expected),), used=(("uses", read_used),))


def _expect(person: PersonId, at: datetime, *kinds: Kind) -> Expected:
    return Expected(row=f"code {person}", person=person, at=at, kinds=frozenset(kinds))


def test_what_a_row_tells_of_has_happened(log: Ledger) -> None:
    rows = [
        _expect(AINO, NOW, Kind.DATA_VIEWED),
        None,
        _expect(AINO, NOW, Kind.DATA_RELEASED, Kind.SIGNED_IN),
    ]
    assert check(log, [_telling(rows)], now=LATER, batch=2).ok


@pytest.mark.parametrize(
    "missing",
    [
        _expect(AINO, NOW, Kind.DATA_RELEASED),
        _expect(MATTI, NOW, Kind.DATA_VIEWED),
        _expect(AINO, NOW + timedelta(microseconds=1), Kind.DATA_VIEWED),
    ],
)
def test_what_a_row_tells_of_and_has_not_happened_is_found(log: Ledger, missing: Expected) -> None:
    report = check(log, [_telling([missing])], now=LATER)
    assert [each.gap for each in report.findings] == [Gap.EFFECT_WITHOUT_EVENT]
    assert report.findings[0].place == missing.row


def test_what_happened_to_somebody_who_is_forgotten_has_happened(log: Ledger) -> None:
    with log.engine.begin() as connection:
        connection.execute(tables.about.delete())
    assert check(log, [_telling([_expect(AINO, NOW, Kind.DATA_VIEWED)])], now=LATER).ok


CONSENT = UUID("0f8c2f2e-6c1b-4a44-9f0a-0000000000c1")


def _released(ledger: Ledger, times: int, *, consent: UUID = CONSENT) -> None:
    happened = Event(kind=Kind.DATA_RELEASED, subject=AINO, consent=f"{consent}@1")
    record(ledger, times, happened=happened)


def _count(times: int, *, since: datetime = NOW) -> RoomEffects:
    return _telling(used=[Used(consent=CONSENT, person=AINO, since=since, times=times)])


@pytest.mark.parametrize("times", [0, 3, 205])
def test_as_many_releases_as_uses_are_no_gap(log: Ledger, times: int) -> None:
    _released(log, times)
    _released(log, 2, consent=uuid4())
    assert check(log, [_count(times)], now=NOW).ok


def test_of_a_person_who_was_forgotten_no_releases_are_missed(log: Ledger) -> None:
    _released(log, 3)
    with begin(log, actor=SYSTEM, now=NOW) as uow:
        forget(uow, AINO)
    record(log, now=NOW + timedelta(seconds=1))
    assert check(log, [_count(3)], now=NOW).ok


def test_without_destroyed_keys_nobody_was_forgotten(log: Ledger) -> None:
    _released(log, 3)
    with log.engine.begin() as connection:
        connection.execute(tables.about.delete())
    report = check(log, [_count(3)], now=NOW)
    assert [each.gap for each in report.findings] == [Gap.RELEASES_DIFFER]


@pytest.mark.parametrize("counted", [2, 4])
def test_more_or_fewer_releases_than_uses_are_found(log: Ledger, counted: int) -> None:
    _released(log, 3)
    report = check(log, [_count(counted)], now=NOW)
    assert [(each.gap, each.place) for each in report.findings] == [
        (Gap.RELEASES_DIFFER, f"consent {CONSENT}")
    ]


def test_releases_from_before_the_consent_do_not_count(log: Ledger) -> None:
    _released(log, 3)
    assert check(log, [_count(0, since=NOW + timedelta(seconds=1))], now=NOW).ok


def test_of_a_log_whose_keys_are_destroyed_no_releases_are_counted(log: Ledger) -> None:
    _released(log, 3)
    with begin(log, actor=SYSTEM, now=NOW) as uow:
        destroy_log_key(uow, AINO, period="2026")
    assert check(log, [_count(7)], now=NOW).ok


def test_an_event_that_does_not_open_is_found(log: Ledger) -> None:
    _released(log, 3)
    with log.engine.begin() as connection:
        unguard(connection, "audit_event")
        last = select(func.max(tables.event.c.number)).scalar_subquery()
        damage = tables.event.update().where(tables.event.c.number == last)
        connection.execute(damage.values(digests=bytes(768)))
    report = check(log, [_count(3)], now=NOW)
    assert [each.gap for each in report.findings] == [Gap.EVENT_DAMAGED]


def test_pages_are_read_by_indexes_alone(log: Ledger) -> None:
    if log.engine.dialect.name != "sqlite":
        pytest.skip("with so few rows the planner of PostgreSQL reads whole tables")
    seen: list[str] = []
    with log.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(seen.append)
        events_after(connection, 3, 5)
        driver.set_trace_callback(None)
        plans = [
            row[3]
            for statement in seen
            if statement.startswith("SELECT")
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert plans
    assert [plan for plan in plans if plan.startswith("SCAN")] == []
