"""One sequencer works and the others stand by: who works, and who comes next."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine
from audit.leadership import Leadership
from audit.proofs import log_state
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger
from tests.audit.checking import check_log
from tests.audit.faulty import run
from tests.audit.sample import NOW, record, signers

AT_REST = 1.0
"""Within so many seconds the next one works, on a machine with nothing else to do."""
SLACK = 10
"""Tests share the machine with others."""
_KEY = "hashtextextended(concat('consent-vault/sequencer-that-works/', current_schema()), 0)"
LEADERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    f" AND classid::bigint << 32 | objid::bigint = {_KEY}"
)
"""Ends who leads in this schema: another test may use the same server."""


@pytest.fixture
def leaderships(engine: Engine) -> Iterator[Callable[[], Leadership]]:
    made: list[Leadership] = []

    def make() -> Leadership:
        made.append(Leadership(engine))
        return made[-1]

    yield make
    for each in made:
        each.give_up()


@pytest.fixture
def sequencers(ledger: Ledger) -> Iterator[Callable[[], Sequencer]]:
    """Makes sequencers, and stops them also where the test fails: a thread outlives its test."""
    made: list[Sequencer] = []

    def make() -> Sequencer:
        made.append(Sequencer(ledger, signers()))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def on_postgresql(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one process")


def test_on_sqlite_the_one_process_leads(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("for the database with one process")
    assert Leadership(engine).taken()


def test_one_leads_until_it_gives_up(engine: Engine, leaderships: Callable[[], Leadership]) -> None:
    on_postgresql(engine)
    first, second, third = leaderships(), leaderships(), leaderships()
    assert [first.taken(), second.taken(), first.taken(), third.taken()] == [True, False] * 2
    first.give_up()
    assert [second.taken(), first.taken(), third.taken()] == [True, False, False]


def test_the_lead_of_another_schema_is_another(
    engine: Engine, leaderships: Callable[[], Leadership]
) -> None:
    on_postgresql(engine)
    elsewhere = open_engine(
        engine.url.update_query_dict({"options": "-csearch_path=public"}).render_as_string(
            hide_password=False
        )
    )
    other = Leadership(elsewhere)
    assert leaderships().taken()
    assert other.taken()
    other.give_up()
    elsewhere.dispose()


def test_who_loses_the_connection_has_lost_the_lead(
    engine: Engine, leaderships: Callable[[], Leadership]
) -> None:
    on_postgresql(engine)
    first, second = leaderships(), leaderships()
    assert first.taken()
    assert not second.taken()
    run(engine, LEADERS)
    assert second.taken()
    with pytest.raises(SQLAlchemyError):
        first.taken()
    assert not first.taken()


def test_the_connection_of_the_leader_is_not_given_to_others(
    engine: Engine, leaderships: Callable[[], Leadership]
) -> None:
    on_postgresql(engine)
    assert leaderships().taken()
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    with engine.connect() as one, engine.connect() as other:
        assert [each.execute(text(held)).scalar_one() for each in (one, other)] == [0, 0]


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> float:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + seconds
        time.sleep(0.01)
    return time.monotonic() - begun


def placed(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return log_state(connection).size


def test_the_one_that_stands_by_takes_over_within_a_second(
    ledger: Ledger,
    sequencers: Callable[[], Sequencer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    on_postgresql(ledger.engine)
    first, second = sequencers(), sequencers()
    with caplog.at_level(logging.INFO):
        first.start(lambda: NOW)
        wait_for(lambda: "the sequencer works" in caplog.messages)
        second.start(lambda: NOW)
        wait_for(lambda: "the sequencer stands by: another one works" in caplog.messages)
        record(ledger, 3)
        wait_for(lambda: placed(ledger) == 3)
        first.stop()
        record(ledger, 2)
        assert wait_for(lambda: placed(ledger) == 5) < AT_REST * SLACK
        second.stop()
    assert [each for each in caplog.messages if each.startswith("the sequencer")] == [
        "the sequencer works",
        "the sequencer stands by: another one works",
        "the sequencer works",
    ]
    assert check_log(ledger) == 5


def test_a_leader_whose_connection_was_cut_is_followed_by_the_next(
    ledger: Ledger, sequencers: Callable[[], Sequencer]
) -> None:
    on_postgresql(ledger.engine)
    both = [sequencers() for _ in range(2)]
    for each in both:
        each.start(lambda: NOW)
    for count in (1, 2, 3):
        record(ledger)
        wait_for(lambda: placed(ledger) == count)  # noqa: B023  # waited for at once
        run(ledger.engine, LEADERS)
    record(ledger)
    assert wait_for(lambda: placed(ledger) == 4) < 2 * AT_REST * SLACK
    for each in both:
        each.stop()
    assert check_log(ledger) == 4


def test_a_clock_that_went_back_is_told_with_what_to_do(
    ledger: Ledger,
    sequencers: Callable[[], Sequencer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    moments = [NOW - timedelta(seconds=90)]
    record(ledger)
    Sequencer(ledger, signers()).run_once(NOW)
    record(ledger)
    sequencer = sequencers()
    with caplog.at_level(logging.ERROR):
        sequencer.start(lambda: moments[-1])
        wait_for(lambda: bool(caplog.messages))
        assert placed(ledger) == 1
        moments.append(NOW)
        wait_for(lambda: placed(ledger) == 2)
        sequencer.stop()
    assert caplog.messages[0] == (
        "the sequencer signs nothing: the clock stands 90.000 s before the last checkpoint, of"
        " 2026-11-24T09:00:00+00:00; nothing is signed until it has caught up:"
        " set the machine's clock right"
    )


def test_a_writer_that_never_ends_holds_nobody_up(ledger: Ledger, sequencer: Sequencer) -> None:
    """And what it commits at last is placed, although its number is lower than all others'."""
    on_postgresql(ledger.engine)
    opened, may_end = threading.Event(), threading.Event()

    def late() -> None:
        with ledger.engine.connect() as connection, connection.begin():
            connection.execute(
                text(
                    "INSERT INTO audit_event (event_id, at, commitment, digests,"
                    " sealed) VALUES (gen_random_uuid(), now(), '\\x00', '', '')"
                )
            )
            connection.execute(text("INSERT INTO audit_queue SELECT max(number) FROM audit_event"))
            opened.set()
            assert may_end.wait(20)

    thread = threading.Thread(target=late)
    thread.start()
    assert opened.wait(20)
    for size in (4, 8, 12):
        record(ledger, 4)
        checkpoint = sequencer.run_once(NOW)
        assert checkpoint is not None
        assert checkpoint.size == size
    may_end.set()
    thread.join(20)
    checkpoint = sequencer.run_once(NOW)
    assert checkpoint is not None
    assert checkpoint.size == 13
    check_log(ledger)
