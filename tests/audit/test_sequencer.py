"""The sequencer: every event gets one place, the tree only grows, nothing damaged is signed."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, text

from audit.batch import BATCH
from audit.checkpoint import Checkpoint
from audit.merkle import verify_consistency, verify_inclusion
from audit.model import SYSTEM
from audit.proofs import consistency, inclusion, latest_checkpoint, log_state
from audit.sequencer import ClockWentBackError, Sequencer
from audit.store.tree import lock_sequencer
from audit.unit_of_work import Ledger, begin
from tests.audit.checking import ActingSigner, check_log
from tests.audit.sample import MATTI, NOW, record, signers, viewed


def test_an_empty_queue_signs_nothing(ledger: Ledger, sequencer: Sequencer) -> None:
    assert sequencer.run_once(NOW) is None
    with ledger.read() as connection:
        assert latest_checkpoint(connection) is None


def test_events_get_their_places_in_the_order_of_writing(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    ids = [*record(ledger, 3), *record(ledger, 2)]
    checkpoint = sequencer.run_once(NOW)
    assert checkpoint is not None
    assert checkpoint.size == 5
    with ledger.read() as connection:
        for index, event_id in enumerate(ids):
            proof = inclusion(connection, ledger, event_id)
            assert proof is not None
            assert proof.index == index
            verify_inclusion(
                index=index,
                size=proof.size,
                leaf=proof.leaf_hash,
                proof=proof.hashes,
                root=checkpoint.root,
            )


@pytest.mark.parametrize("growths", [[1, 1, 1], [255, 1, 1], [256, 256], [300, 700, 3], [513]])
def test_the_tree_grows_over_the_borders_of_tiles(
    ledger: Ledger, sequencer: Sequencer, growths: list[int]
) -> None:
    signed: list[Checkpoint] = []
    for growth in growths:
        record(ledger, growth)
        checkpoint = sequencer.run_once(NOW)
        assert checkpoint is not None
        signed.append(checkpoint)
    assert check_log(ledger) == sum(growths)
    with ledger.read() as connection:
        for old in signed:
            for new in signed[signed.index(old) :]:
                verify_consistency(
                    old_size=old.size,
                    old_root=old.root,
                    new_size=new.size,
                    new_root=new.root,
                    proof=consistency(connection, old.size, new.size).hashes,
                )


def test_a_long_queue_is_drained_batch_by_batch(ledger: Ledger, sequencer: Sequencer) -> None:
    record(ledger, BATCH + 7)
    sizes = [sequencer.run_once(NOW), sequencer.run_once(NOW), sequencer.run_once(NOW)]
    assert [each and each.size for each in sizes] == [BATCH, BATCH + 7, None]
    assert check_log(ledger) == BATCH + 7


def test_a_new_sequencer_goes_on_where_the_old_one_stopped(ledger: Ledger) -> None:
    for count in (300, 1, 400):
        record(ledger, count)
        assert Sequencer(ledger, signers()).run_once(NOW) is not None
    assert check_log(ledger) == 701


def test_two_sequencers_take_turns(ledger: Ledger) -> None:
    first, second = Sequencer(ledger, signers()), Sequencer(ledger, signers())
    for each in (first, second, second, first):
        record(ledger, 3)
        assert each.run_once(NOW) is not None
    assert check_log(ledger) == 12


def test_time_may_stand_still(ledger: Ledger, sequencer: Sequencer) -> None:
    for _ in range(2):
        record(ledger)
        assert sequencer.run_once(NOW) is not None


def test_nothing_is_signed_while_the_clock_is_behind(ledger: Ledger, sequencer: Sequencer) -> None:
    record(ledger)
    sequencer.run_once(NOW)
    record(ledger)
    with pytest.raises(ClockWentBackError):
        sequencer.run_once(NOW - timedelta(microseconds=1))
    assert check_log(ledger) == 1
    assert sequencer.run_once(NOW) is not None


def test_what_is_published_is_committed(ledger: Ledger) -> None:
    seen: list[tuple[bytes, bytes | None]] = []

    def look(_checkpoint: Checkpoint, note: bytes) -> None:
        with ledger.read() as connection:
            seen.append((note, latest_checkpoint(connection)))

    record(ledger)
    Sequencer(ledger, signers(), publish=[look]).run_once(NOW)
    ((published, stored),) = seen
    assert published == stored


def test_an_event_committed_late_is_not_skipped(ledger: Ledger, sequencer: Sequencer) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    opened, may_commit = threading.Event(), threading.Event()

    def late() -> None:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            uow.record(viewed(MATTI))
            opened.set()
            assert may_commit.wait(10)

    thread = threading.Thread(target=late)
    thread.start()
    assert opened.wait(10)
    record(ledger, 5)
    first = sequencer.run_once(NOW)
    may_commit.set()
    thread.join(10)
    second = sequencer.run_once(NOW)
    assert [each and each.size for each in (first, second)] == [5, 6]
    check_log(ledger)


def test_the_sequencer_of_another_schema_does_not_stand_in_the_way(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no schemas")
    record(ledger)
    with ledger.engine.connect() as other:
        other.execute(text("CREATE SCHEMA IF NOT EXISTS another_log"))
        other.execute(text("SET search_path TO another_log"))
        assert lock_sequencer(other)
        assert sequencer.run_once(NOW) is not None


def test_a_second_sequencer_leaves_the_batch_to_the_first(ledger: Ledger) -> None:
    looked = threading.Event()
    answers: list[Checkpoint | None] = []
    second = Sequencer(ledger, signers())
    thread = threading.Thread(target=lambda: answers.append(second.run_once(NOW)))

    @event.listens_for(ledger.engine, "after_cursor_execute")
    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if threading.current_thread() is thread and "audit_queue" in statement:
            looked.set()

    def let_the_second_look() -> None:
        thread.start()
        assert looked.wait(10)

    record(ledger, 3)
    assert Sequencer(ledger, ActingSigner(let_the_second_look)).run_once(NOW) is not None
    thread.join(20)
    assert answers == [None]
    assert check_log(ledger) == 3


def test_eight_writers_and_two_sequencers_at_once_make_one_tree(ledger: Ledger) -> None:
    done = threading.Event()
    sequencers = [Sequencer(ledger, signers()) for _ in range(2)]

    def write() -> None:
        for _ in range(12):
            record(ledger, 2)

    def sequence(each: Sequencer) -> None:
        while not done.is_set():
            each.run_once(NOW)

    writers = [threading.Thread(target=write) for _ in range(8)]
    others = [threading.Thread(target=sequence, args=(each,)) for each in sequencers]
    for thread in [*writers, *others]:
        thread.start()
    for thread in writers:
        thread.join(60)
    done.set()
    for thread in others:
        thread.join(20)
    sequencers[0].run_once(NOW)
    assert check_log(ledger) == 8 * 12 * 2


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def state_size(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return log_state(connection).size


def test_the_thread_places_what_comes(ledger: Ledger, sequencer: Sequencer) -> None:
    assert not sequencer.running
    sequencer.start(lambda: NOW)
    with pytest.raises(RuntimeError, match="runs already"):
        sequencer.start(lambda: NOW)
    record(ledger, 3)
    wait_for(lambda: state_size(ledger) == 3)
    sequencer.stop()
    sequencer.stop()
    record(ledger)
    sequencer.start(lambda: NOW)
    wait_for(lambda: state_size(ledger) == 4)
    sequencer.stop()
    assert check_log(ledger) == 4


def test_the_thread_logs_a_failure_and_goes_on(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    failures = iter([True, True])

    def sometimes() -> None:
        if next(failures, False):
            raise OSError("the token of the log's key is not there")

    sequencer = Sequencer(ledger, ActingSigner(sometimes))
    record(ledger)
    works = [sequencer.works]
    with caplog.at_level(logging.ERROR):
        sequencer.start(lambda: NOW)
        wait_for(lambda: state_size(ledger) == 1)
        works.append(sequencer.works)
        sequencer.stop()
    assert [*works, sequencer.works] == [False, True, False]
    assert [each.message for each in caplog.records] == [
        "the sequencer failed and will try again: OSError"
    ] * 2


def test_a_stopped_thread_leaves_the_rest_in_the_queue(ledger: Ledger) -> None:
    holder: list[Sequencer] = []

    def stop_soon(_checkpoint: Checkpoint, _note: bytes) -> None:
        holder[0]._stop.set()

    sequencer = Sequencer(ledger, signers(), publish=[stop_soon])
    holder.append(sequencer)
    record(ledger, BATCH + 1)
    sequencer.start(lambda: NOW)
    wait_for(lambda: not sequencer.running)
    sequencer.stop()
    assert check_log(ledger) == BATCH


def test_the_clock_of_the_caller_is_the_time_of_the_checkpoint(
    ledger: Ledger, sequencer: Sequencer
) -> None:
    later: datetime = NOW + timedelta(hours=1)
    record(ledger)
    sequencer.run_once(later)
    with ledger.read() as connection:
        state = log_state(connection)
        assert (state.checkpoint_at, state.queued) == (later, 0)
        assert connection.execute(text("SELECT count(*) FROM audit_checkpoint")).scalar_one() == 1
