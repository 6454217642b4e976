"""The log asks its witnesses: when it grew, at most so often, one dead one holding nobody up."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from audit.note import open_note, split_note
from audit.proofs import latest_checkpoint, with_cosignatures
from audit.rollback import Seen
from audit.sequencer import Sequencer
from audit.store import tree as store
from audit.store.witnessing import (
    LogStartRow,
    cosignatures,
    insert_cosignatures,
    insert_log_start,
)
from audit.trust_policy import Policy, parse_policy
from audit.unit_of_work import Ledger
from audit.witnessing import (
    CosignedState,
    WitnessError,
    Witnessing,
    WitnessKnowsOtherSizeError,
    cosigned_state,
)
from tests.audit.sample import LOG, NOW, ORIGIN, record, signers
from tests.audit.witnesses import MemoryWitness

NEXT_YEAR = NOW.replace(year=2027, month=1)
NEXT_ORIGIN = ORIGIN.replace(LOG, "2027h1")


class Moment:
    """The time of the test."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def after(self, **length: float) -> datetime:
        self.now += timedelta(**length)
        return self.now


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def w1(moment: Moment) -> MemoryWitness:
    return MemoryWitness("w1.example", signers(), moment, seed=1)


@pytest.fixture
def w2(moment: Moment) -> MemoryWitness:
    return MemoryWitness("w2.example", signers(), moment, seed=2)


@pytest.fixture
def found() -> list[Seen]:
    return []


@pytest.fixture
def witnessing(
    ledger: Ledger, w1: MemoryWitness, w2: MemoryWitness, found: list[Seen]
) -> Witnessing:
    made = Witnessing(ledger, signers(), [w1, w2])
    made.tell(found.extend)
    return made


def grow(ledger: Ledger, count: int = 1, now: datetime = NOW) -> None:
    record(ledger, count, now=now)
    assert Sequencer(ledger, signers()).run_once(now)


def policy(*witnesses: MemoryWitness, needed: int = 2) -> Policy:
    lines = [f"witness {w.name} {w.cosigners[0].vkey}\n" for w in witnesses]
    names = " ".join(w.name for w in witnesses)
    return parse_policy(f"{''.join(lines)}group all {needed} {names}\nquorum all\n".encode())


def state(ledger: Ledger, *witnesses: MemoryWitness, needed: int = 2) -> CosignedState:
    with ledger.read() as connection:
        return cosigned_state(connection, policy(*witnesses, needed=needed))


def test_a_log_that_has_signed_nothing_asks_nobody(
    witnessing: Witnessing, w1: MemoryWitness, ledger: Ledger
) -> None:
    assert witnessing.run_once(NOW) == 0
    assert w1.asked == []
    assert state(ledger, w1, needed=1).problem(NOW) is None


def test_every_witness_cosigns_and_its_lines_are_kept_under_the_checkpoint(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    grow(ledger, 3)
    assert witnessing.run_once(NOW) == 2
    with ledger.read() as connection:
        row = store.last_checkpoint(connection)
        assert row is not None
        note = with_cosignatures(connection, row)
    assert len(split_note(note)[1]) == 1 + 4
    for witness in (w1, w2):
        for verifier in witness.verifiers:
            assert open_note(note, [verifier]) == split_note(row.note)[0]


def test_growth_is_shown_with_a_proof_from_what_the_witness_knows(
    witnessing: Witnessing, ledger: Ledger, moment: Moment, w1: MemoryWitness
) -> None:
    for count in (1, 2, 300, 7):
        grow(ledger, count, moment.after(minutes=1))
        assert witnessing.run_once(moment()) == 2
    assert w1.size(ORIGIN) == 310
    assert [body.split(b"\n")[0] for body in w1.asked] == [b"old 0", b"old 1", b"old 3", b"old 303"]


def test_a_witness_is_asked_at_most_at_every_interval(
    witnessing: Witnessing, ledger: Ledger, moment: Moment, w1: MemoryWitness
) -> None:
    grow(ledger)
    witnessing.run_once(moment())
    grow(ledger, now=moment.after(seconds=9))
    assert witnessing.run_once(moment()) == 0
    assert witnessing.run_once(moment.after(seconds=1)) == 2
    assert w1.size(ORIGIN) == 2


def test_a_log_that_has_not_grown_is_cosigned_again_each_hour(
    witnessing: Witnessing, ledger: Ledger, moment: Moment, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    grow(ledger)
    witnessing.run_once(moment())
    assert witnessing.run_once(moment.after(minutes=59)) == 0
    assert witnessing.run_once(moment.after(minutes=1)) == 2
    assert state(ledger, w1, w2).newest == NOW + timedelta(hours=1)
    with ledger.read() as connection:
        row = store.last_checkpoint(connection)
        assert row is not None
        assert len(cosignatures(connection, LOG, 1)) == 8
        assert len(split_note(with_cosignatures(connection, row))[1]) == 5  # the newest of each


def test_a_log_that_was_started_again_learns_from_the_witness_what_it_knows(
    witnessing: Witnessing, ledger: Ledger, moment: Moment, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    grow(ledger, 3)
    witnessing.run_once(moment())
    grow(ledger, 2, moment.after(minutes=1))
    assert Witnessing(ledger, signers(), [w1, w2]).run_once(moment()) == 2
    assert [body.split(b"\n")[0] for body in w1.asked[1:]] == [b"old 0", b"old 3"]


def test_one_dead_witness_holds_nobody_up_and_is_left_alone_for_a_minute(
    witnessing: Witnessing, ledger: Ledger, moment: Moment, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    w1.failure = WitnessError("it does not answer: ConnectTimeout")
    grow(ledger)
    assert witnessing.run_once(moment()) == 1
    one, two = witnessing.statuses()
    assert (one.size, one.at, one.problem) == (None, None, "it does not answer: ConnectTimeout")
    assert (two.size, two.at, two.problem) == (1, NOW, None)
    assert witnessing.run_once(moment.after(seconds=59)) == 0
    w1.failure = None
    assert witnessing.run_once(moment.after(seconds=1)) == 1
    assert [each.problem for each in witnessing.statuses()] == [None, None]


def test_witnesses_are_asked_beside_each_other(
    ledger: Ledger, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    """Each waits until the other one was asked: one after the other, neither would answer."""
    both = threading.Barrier(2)

    def wait(lines: bytes) -> bytes:
        both.wait(timeout=10)
        return lines

    w1.answer = w2.answer = wait
    grow(ledger)
    assert Witnessing(ledger, signers(), [w1, w2]).run_once(NOW) == 2


def test_nothing_is_asked_inside_a_transaction(ledger: Ledger, w1: MemoryWitness) -> None:
    def write(lines: bytes) -> bytes:
        record(ledger)  # would wait for ever, were our own writing transaction open
        return lines

    w1.answer = write
    grow(ledger)
    assert Witnessing(ledger, signers(), [w1]).run_once(NOW) == 1


ROOT = "A" * 43 + "="
STRANGER = MemoryWitness("w1.example", signers(), lambda: NOW, seed=7)
CASES = {
    "nothing": lambda _: b"",
    "no lines": lambda _: b"thank you\n",
    "a stranger": lambda _: STRANGER.cosigners[0].cosign(f"{ORIGIN}\n1\n{ROOT}\n", 1).encode(),
    "a wrong signature": lambda lines: lines[:-9] + b"AAAAAAAA\n",
}


@pytest.mark.parametrize("answer", CASES.values(), ids=CASES)
def test_an_answer_that_is_no_cosignature_is_not_kept(
    ledger: Ledger, w1: MemoryWitness, answer: object
) -> None:
    w1.answer = answer  # type: ignore[assignment]  # one of the functions above
    grow(ledger)
    witnessing = Witnessing(ledger, signers(), [w1])
    assert witnessing.run_once(NOW) == 0
    assert "its answer" in str(witnessing.statuses()[0].problem)
    with ledger.read() as connection:
        assert cosignatures(connection, LOG, 1) == []


@pytest.mark.parametrize("at", [0, 253_402_300_800, 2**63 - 1])
def test_a_cosignature_without_a_time_is_not_kept(
    ledger: Ledger, w1: MemoryWitness, w2: MemoryWitness, at: int
) -> None:
    grow(ledger)
    with ledger.read() as connection:
        row = store.last_checkpoint(connection)
    assert row is not None
    text = split_note(row.note)[0]
    w1.answer = lambda _: w1.cosigners[0].cosign(text, at).encode()
    witnessing = Witnessing(ledger, signers(), [w1, w2])
    assert witnessing.run_once(NOW) == 1
    assert [each.problem is None for each in witnessing.statuses()] == [False, True]


def test_lines_by_keys_that_we_do_not_know_are_left_out(ledger: Ledger, w1: MemoryWitness) -> None:
    grow(ledger)
    w1.answer = lambda lines: (
        STRANGER.cosigners[0].cosign(split_note(w1.kept[ORIGIN])[0], 5).encode() + lines
    )
    assert Witnessing(ledger, signers(), [w1]).run_once(NOW) == 1
    with ledger.read() as connection:
        assert len(cosignatures(connection, LOG, 1)) == 2


def test_a_witness_that_knows_more_shows_it_to_the_guard(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness, found: list[Seen]
) -> None:
    grow(ledger, 1)
    text = f"{ORIGIN}\n9\n{ROOT}\n"
    w1.kept[ORIGIN] = signers().sign(LOG, text, NOW)
    assert witnessing.run_once(NOW) == 1
    assert [(seen.where, seen.checkpoint.size) for seen in found] == [("witness w1.example", 9)]
    assert witnessing.statuses()[0].problem == "it has cosigned size 9 last"


def test_a_witness_that_knows_another_tree_of_our_size_shows_it_to_the_guard(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness, found: list[Seen]
) -> None:
    grow(ledger, 1)
    w1.kept[ORIGIN] = signers().sign(LOG, f"{ORIGIN}\n1\n{ROOT}\n", NOW)
    assert witnessing.run_once(NOW) == 1
    assert [seen.checkpoint.size for seen in found] == [1]


def test_a_size_that_a_witness_cannot_show_under_our_signature_is_only_its_own_problem(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness, found: list[Seen]
) -> None:
    grow(ledger, 1)
    w1.kept[ORIGIN] = signers(seed=5).sign(LOG, f"{ORIGIN}\n9\n{ROOT}\n", NOW)
    assert witnessing.run_once(NOW) == 1
    assert found == []


def test_a_witness_that_names_another_size_each_time_is_given_up(
    ledger: Ledger, w1: MemoryWitness
) -> None:
    grow(ledger, 5)
    sizes = iter([1, 2, 3, 4])

    def waver(body: bytes) -> bytes:
        w1.asked.append(body)
        raise WitnessKnowsOtherSizeError(next(sizes))

    w1.add_checkpoint = waver  # type: ignore[method-assign]  # a witness of another mind
    witnessing = Witnessing(ledger, signers(), [w1])
    assert witnessing.run_once(NOW) == 0
    assert len(w1.asked) == 3
    assert witnessing.statuses()[0].problem == "it names another size each time"


def test_what_witnesses_know_is_asked_of_all_and_the_silent_know_nothing(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    grow(ledger, 3)
    witnessing.run_once(NOW)
    w2.failure = WitnessError("it does not answer")
    assert [(seen.where, seen.place) for seen in witnessing.seen_by_witnesses([LOG, "2027h1"])] == [
        ("witness w1.example", (LOG, 3))
    ]
    assert Witnessing(ledger, signers(), []).seen_by_witnesses([LOG]) == []


def test_the_end_of_a_half_year_is_cosigned_beside_the_beginning_of_the_next(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness
) -> None:
    grow(ledger, 3)
    witnessing.run_once(NOW)
    grow(ledger, 2, NOW + timedelta(seconds=1))
    grow(ledger, 1, NEXT_YEAR)
    assert witnessing.run_once(NEXT_YEAR) == 4
    assert (w1.size(ORIGIN), w1.size(NEXT_ORIGIN)) == (5, 2)
    # The closed one does not grow and is not asked for again.
    assert witnessing.run_once(NEXT_YEAR + timedelta(hours=2)) == 2


def test_the_log_before_one_that_was_begun_anew_is_not_shown_any_more(
    ledger: Ledger, w1: MemoryWitness
) -> None:
    grow(ledger, 1)
    with ledger.writer.unaccounted_transaction() as connection:
        note = signers().sign(LOG, f"{ORIGIN}\n9\n{ROOT}\n", NOW)
        insert_log_start(connection, LogStartRow("2026h2b", note, NOW), uuid4())
    grow(ledger, 1)
    assert Witnessing(ledger, signers(), [w1]).run_once(NOW) == 0
    assert [b"2026h2b" in body for body in w1.asked] == [True]  # which w1 does not follow yet


def test_a_witness_without_any_log_has_no_status(witnessing: Witnessing) -> None:
    assert [each.problem for each in witnessing.statuses()] == [None, None]


# The quorum


def test_the_quorum_counts_on_the_newest_checkpoint_that_has_it(
    witnessing: Witnessing, ledger: Ledger, moment: Moment, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    grow(ledger)
    witnessing.run_once(moment())
    w2.failure = WitnessError("it does not answer")
    grow(ledger, now=moment.after(minutes=2))
    witnessing.run_once(moment())
    both = state(ledger, w1, w2)
    assert (both.size, both.cosigned, both.behind) == (2, 1, timedelta(minutes=2))
    assert both.problem(moment()) is None
    one = state(ledger, w1, w2, needed=1)
    assert (one.cosigned, one.missing) == (2, ("w2.example",))


def test_a_quorum_that_stays_away_is_a_problem(
    witnessing: Witnessing, ledger: Ledger, moment: Moment, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    grow(ledger)
    assert state(ledger, w1, w2).problem(NOW) == "quorum-never-reached"
    witnessing.run_once(moment())
    w2.failure = WitnessError("it does not answer")
    grow(ledger, now=moment.after(minutes=6))
    witnessing.run_once(moment())
    assert state(ledger, w1, w2).problem(moment()) == "quorum-not-reached"


def test_cosignatures_that_grow_old_are_a_problem(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    grow(ledger)
    witnessing.run_once(NOW)
    found = state(ledger, w1, w2)
    assert found.problem(NOW + timedelta(hours=2)) is None
    assert found.problem(NOW + timedelta(hours=2, seconds=1)) == "cosignatures-stale"


def test_a_policy_that_asks_for_no_witness_has_no_problem_with_there_being_none(
    ledger: Ledger,
) -> None:
    grow(ledger)
    with ledger.read() as connection:
        found = cosigned_state(connection, parse_policy(b"quorum none\n"))
    assert found.problem(NOW) is None


def test_a_cosignature_whose_checkpoint_is_gone_counts_for_nothing(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness, w2: MemoryWitness
) -> None:
    grow(ledger)
    witnessing.run_once(NOW)
    with ledger.writer.unaccounted_transaction() as connection:
        [line, *_] = cosignatures(connection, LOG, 1)
        insert_cosignatures(connection, [replace(line, size=7)])
    assert state(ledger, w1, w2).cosigned == 1


def test_the_newest_checkpoint_waits_a_moment_for_its_witnesses(
    witnessing: Witnessing, ledger: Ledger, w1: MemoryWitness
) -> None:
    """Readers want a checkpoint that is cosigned; only when that one is old, the newest at all."""
    grow(ledger)
    witnessing.run_once(NOW)
    for seconds, size in ((30, 1), (60, 1), (61, 4)):
        grow(ledger, now=NOW + timedelta(seconds=seconds))
        with ledger.read() as connection:
            note = latest_checkpoint(connection)
            assert latest_checkpoint(connection, log=LOG) == note
        assert note is not None
        assert split_note(note)[0].splitlines()[1] == str(size)
        assert len(split_note(note)[1]) == (5 if size == 1 else 1)


def test_who_asks_how_witnesses_stand_is_not_disturbed_by_the_thread_that_asks_them(
    ledger: Ledger, w1: MemoryWitness, moment: Moment
) -> None:
    """While the page reads, the witness is asked about a log that was begun just now."""

    class Asked(MemoryWitness):
        reading = False

        @property
        def name(self) -> str:
            if self.reading:
                self.reading = False
                made.run_once(NEXT_YEAR)
            return "w1.example"

        @name.setter
        def name(self, _name: str) -> None:
            """It has this one."""

    asked = Asked("w1.example", signers(), moment)
    made = Witnessing(ledger, signers(), [asked])
    grow(ledger)
    made.run_once(NOW)
    grow(ledger, now=NEXT_YEAR)
    asked.reading = True
    (status,) = made.statuses()
    assert (status.name, status.size, status.problem) == ("w1.example", 1, None)
    assert made.statuses()[0].size == 2
