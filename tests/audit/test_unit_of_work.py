"""The unit of work: change and event together, or neither."""

import threading
from dataclasses import fields
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from audit.disclosure import DIGESTS, FIELDS
from audit.model import SYSTEM, Actor, Event, Kind
from audit.not_written import EventNotWrittenError
from audit.reader import entry, search
from audit.store import tables
from audit.unit_of_work import Ledger, UnaccountedChangeError, UnitOfWork, begin
from policies.ids import ClientId
from tests.audit.faulty import refuse, refuse_commit, run
from tests.audit.sample import AINO, KELA, MATTI, NOW, record, viewed

ROWS = ("event", "queue", "search", "about")


def counts(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as connection:
        return {
            name: connection.execute(
                select(func.count()).select_from(getattr(tables, name))
            ).scalar_one()
            for name in ROWS
        }


def test_a_recorded_event_waits_in_the_queue_and_can_be_found(ledger: Ledger) -> None:
    record(ledger)
    record(ledger, happened=Event(kind=Kind.SIGNED_IN))
    assert counts(ledger) == {"event": 2, "queue": 2, "search": 2, "about": 1}


def test_a_change_without_an_event_is_not_committed(ledger: Ledger) -> None:
    with pytest.raises(UnaccountedChangeError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.connection.execute(insert(tables.queue).values(number=7))
    assert counts(ledger)["queue"] == 0


def test_a_change_with_its_event_is_committed(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.connection.execute(insert(tables.queue).values(number=7))
        uow.record(viewed())
    assert counts(ledger)["queue"] == 2


def test_an_exception_takes_event_and_change_back(ledger: Ledger) -> None:
    with pytest.raises(KeyError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        raise KeyError(uow.record(viewed()))
    assert counts(ledger) == dict.fromkeys(ROWS, 0)


@pytest.mark.parametrize("table", ["audit_event", "audit_queue", "audit_search", "audit_about"])
def test_an_event_that_cannot_be_written_stops_what_it_would_explain(
    ledger: Ledger, table: str
) -> None:
    refuse(ledger.engine, table, "INSERT")
    with pytest.raises(EventNotWrittenError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(viewed())
    assert counts(ledger) == dict.fromkeys(ROWS, 0)


def test_a_log_without_its_keys_writes_nothing(ledger: Ledger) -> None:
    run(ledger.engine, "DROP TABLE audit_key")
    with pytest.raises(EventNotWrittenError):
        record(ledger)
    assert counts(ledger) == dict.fromkeys(ROWS, 0)


def test_a_log_without_its_keys_gives_no_keyed_digest(ledger: Ledger) -> None:
    run(ledger.engine, "DROP TABLE audit_key")
    with pytest.raises(EventNotWrittenError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.keyed_digest(AINO, "presentation", b"data")


def test_the_time_of_a_unit_of_work_must_say_its_zone(ledger: Ledger) -> None:
    naive = datetime(2026, 11, 24, 9, 0)  # noqa: DTZ001  # the fault that is tried
    with pytest.raises(RuntimeError, match="zone"), begin(ledger, actor=SYSTEM, now=naive):
        pass


def test_times_are_kept_in_utc(ledger: Ledger) -> None:
    helsinki = NOW.astimezone(timezone(timedelta(hours=2)))
    (event_id,) = record(ledger, now=helsinki)
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
    assert found is not None
    assert found.get("at") == "2026-11-24T09:00:00.000000+00:00"


def test_actors_are_told_apart(ledger: Ledger) -> None:
    actors = [SYSTEM, Actor.client(ClientId("kela")), Actor.person(AINO)]
    ids = [record(ledger, actor=actor)[0] for actor in actors]
    with ledger.read() as connection:
        found = [entry(connection, ledger, each) for each in ids]
    assert [each and each.get("actor") for each in found] == [
        "system:consent-vault",
        "client:kela",
        f"person:{AINO}",
    ]


def test_a_keyed_digest_depends_on_person_label_data_and_year(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        base = uow.keyed_digest(AINO, "presentation", b"data")
        assert base == uow.keyed_digest(AINO, "presentation", b"data")
        others = [
            uow.keyed_digest(MATTI, "presentation", b"data"),
            uow.keyed_digest(AINO, "other", b"data"),
            uow.keyed_digest(AINO, "presentation", b"more"),
        ]
        uow.record(viewed())
    with begin(ledger, actor=SYSTEM, now=NOW.replace(year=2027)) as uow:
        others.append(uow.keyed_digest(AINO, "presentation", b"data"))
        uow.record(viewed())
    assert len({base, *others}) == 5
    assert len(base) == 64


def test_every_kind_has_the_same_number_of_digests(ledger: Ledger) -> None:
    record(ledger, happened=Event(kind=Kind.SIGNED_IN))
    record(ledger, happened=viewed(), actor=Actor.person(MATTI))
    with ledger.read() as connection:
        lengths = connection.execute(select(func.length(tables.event.c.digests))).scalars().all()
    assert set(lengths) == {DIGESTS * 32}


def test_the_stored_rows_name_no_person_but_for_the_index(ledger: Ledger) -> None:
    record(ledger, happened=Event(kind=Kind.DATA_RELEASED, subject=AINO, organisation=KELA))
    with ledger.read() as connection:
        row = connection.execute(select(tables.event)).one()
    stored = b"".join(each for each in row if isinstance(each, bytes))
    assert str(AINO).encode() not in stored
    assert AINO.bytes not in stored
    assert b"kela" not in stored


def test_eight_threads_record_at_once(ledger: Ledger) -> None:
    def write(person: int) -> None:
        for _ in range(15):
            record(ledger, happened=viewed(MATTI if person % 2 else AINO))

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counts(ledger) == dict.fromkeys(ROWS, 120)
    with ledger.read() as connection:
        found = search(connection, ledger, limit=200)
    assert len({each.event_id for each in found}) == 120
    assert {each.kind for each in found} == {Kind.DATA_VIEWED}


def test_every_field_of_an_event_has_a_place() -> None:
    of_the_unit_of_work = {"actor", "at", "request", "n", "prev", "actor_n", "actor_prev"}
    assert {each.name for each in fields(Event)} | of_the_unit_of_work == set(FIELDS)
    assert len(FIELDS) == DIGESTS


def test_the_signed_request_stands_in_each_event_of_its_unit_of_work(ledger: Ledger) -> None:
    request = "ab" * 32
    with begin(ledger, actor=SYSTEM, now=NOW, request=request) as uow:
        ids = [uow.record(each) for each in (viewed(), Event(kind=Kind.SIGNED_IN))]
    with ledger.read() as connection:
        found = [entry(connection, ledger, each) for each in ids]
    assert [each and each.get("request") for each in found] == [request] * 2


def test_nothing_is_stated_after_the_end(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(viewed())
    with pytest.raises(RuntimeError, match="ended"):
        uow.record(viewed())
    assert counts(ledger)["event"] == 1


def test_events_of_one_unit_of_work_are_written_in_the_order_in_which_they_were_stated(
    ledger: Ledger,
) -> None:
    with begin(ledger, actor=Actor.person(MATTI), now=NOW) as uow:
        ids = [uow.record(each) for each in (viewed(), Event(kind=Kind.SIGNED_IN), viewed(MATTI))]
        assert uow.recorded == 3
    with ledger.read() as connection:
        found = search(connection, ledger)
    assert [each.event_id for each in found] == ids[::-1]


def test_an_event_follows_its_change_into_the_database(ledger: Ledger) -> None:
    # So nothing that the block still does can come between an event and its commit.
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(viewed())
        seen = uow.connection.execute(select(func.count()).select_from(tables.event)).scalar_one()
    assert seen == 0
    assert counts(ledger)["event"] == 1


def test_a_statement_that_failed_inside_the_block_is_not_forgotten(ledger: Ledger) -> None:
    # PostgreSQL rolls such a transaction back whatever COMMIT says; SQLite goes on.
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("a failed statement of SQLite leaves its transaction whole")

    def go_on(uow: UnitOfWork) -> None:
        uow.record(viewed())
        with pytest.raises(DBAPIError):
            uow.connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(EventNotWrittenError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        go_on(uow)
    assert counts(ledger) == dict.fromkeys(ROWS, 0)


def test_a_commit_that_is_refused_leaves_nothing(ledger: Ledger) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no such trigger")
    refuse_commit(ledger.engine, "audit_queue")
    with pytest.raises(EventNotWrittenError):
        record(ledger)
    assert counts(ledger) == dict.fromkeys(ROWS, 0)


def test_what_follows_from_events_is_the_last_act_of_each_unit_of_work(ledger: Ledger) -> None:
    seen: list[list[Kind]] = []

    def follow(uow: UnitOfWork) -> None:
        seen.append([each.kind for _, each in uow.stated])
        uow.record(Event(kind=Kind.SIGNED_OUT))

    ledger.closing = (follow,)
    event_id = record(ledger)[0]
    assert seen == [[Kind.DATA_VIEWED]]
    assert counts(ledger)["event"] == 2
    with ledger.read() as connection:
        assert entry(connection, ledger, event_id) is not None


def test_what_cannot_follow_takes_everything_back(ledger: Ledger) -> None:
    def fail(_uow: UnitOfWork) -> None:
        raise KeyError

    ledger.closing = (fail,)
    with pytest.raises(KeyError):
        record(ledger)
    assert counts(ledger) == dict.fromkeys(ROWS, 0)


def test_after_an_exception_nothing_follows(ledger: Ledger) -> None:
    seen: list[UnitOfWork] = []
    ledger.closing = (seen.append,)
    with pytest.raises(KeyError), begin(ledger, actor=SYSTEM, now=NOW):
        raise KeyError
    assert seen == []
