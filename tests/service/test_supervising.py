"""The first process of several keeps them running, and knows a bad beginning from bad luck."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from structlog.testing import capture_logs

from service.cli.supervising import NOT_STARTED, Worker, supervise

KILLED = -9


@dataclass
class Process:
    """A worker's process whose end the test decides."""

    serves: threading.Event = field(default_factory=threading.Event)
    exitcode: int | None = None
    joined: bool = False

    def terminate(self) -> None:
        if self.exitcode is None:
            self.exitcode = 0

    def join(self) -> None:
        assert self.exitcode is not None
        self.joined = True

    def begin(self) -> "Process":
        self.serves.set()
        return self

    def end(self, code: int) -> "Process":
        self.exitcode = code
        return self


class Machine:
    """Starts what the test has made ready, and is looked at once for each of its steps."""

    def __init__(self, *processes: Process) -> None:
        self.ready = list(processes)
        self.started: list[Process] = []
        self.now = 0.0

    def start(self) -> Worker:
        process = self.ready.pop(0)
        self.started.append(process)
        return Worker(process, process.serves)

    def supervise(self, workers: int, *steps: Callable[[], object]) -> bool:
        left = list(steps)

        class Stopping(threading.Event):
            def wait(self, timeout: float | None = None) -> bool:
                assert timeout is not None
                if not left:
                    return True
                left.pop(0)()
                return False

        return supervise(self.start, workers, Stopping(), look_seconds=0, clock=lambda: self.now)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds


def nothing() -> None:
    pass


def test_all_are_stopped_in_order() -> None:
    machine = Machine(Process().begin(), Process().begin())
    assert machine.supervise(2, nothing, nothing)
    assert [(each.exitcode, each.joined) for each in machine.started] == [(0, True)] * 2


def test_one_that_cannot_start_at_the_beginning_ends_all() -> None:
    good, bad = Process(), Process()
    machine = Machine(good, bad)

    def first_look() -> None:
        good.begin()
        bad.end(NOT_STARTED)

    assert not machine.supervise(2, first_look, nothing)
    assert machine.started == [good, bad]
    assert good.exitcode == 0


def test_one_that_could_not_start_when_all_were_told_to_stop_is_told_of() -> None:
    assert not Machine(Process().end(NOT_STARTED)).supervise(1)


def test_one_that_has_died_is_started_anew_at_once() -> None:
    first, other, second = Process().begin(), Process().begin(), Process()
    machine = Machine(first, other, second)
    assert machine.supervise(2, nothing, lambda: first.end(KILLED), nothing)
    assert machine.started == [first, other, second]


def test_one_that_cannot_start_again_ends_nobody_and_is_tried_again_ever_later() -> None:
    """The database does not answer for a while, say: the others go on serving."""
    first, other = Process().begin(), Process().begin()
    tries = [Process().end(NOT_STARTED) for _ in range(3)]
    last = Process()
    machine = Machine(first, other, *tries, last)
    counts: list[int] = []

    def look(seconds: float) -> Callable[[], None]:
        def step() -> None:
            counts.append(len(machine.started))
            machine.pass_time(seconds)

        return step

    with capture_logs() as said:
        steps = [look(seconds) for pause in (0.5, 1.5, 3.5) for seconds in (0, pause - 0.25, 0.25)]
        assert machine.supervise(2, nothing, lambda: first.end(KILLED), *steps)
    assert counts == [3, 3, 3, 4, 4, 4, 5, 5, 5]
    assert machine.started[-1] is last
    assert [each["next_start_in"] for each in said] == [0.0, 0.5, 1.5, 3.5]
    assert other.exitcode == 0


def test_the_distance_has_an_end_and_begins_anew_once_one_has_served() -> None:
    first = Process().begin()
    tries = [Process().end(NOT_STARTED) for _ in range(8)]
    good, last = Process(), Process()
    machine = Machine(first, *tries, good, last)
    with capture_logs() as said:
        assert machine.supervise(
            1,
            nothing,
            lambda: first.end(KILLED),
            *[lambda: machine.pass_time(31)] * 16,
            lambda: good.begin().end(KILLED),
        )
    pauses = [each["next_start_in"] for each in said]
    assert pauses == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 30.0, 30.0, 30.0, 0.0]
    assert machine.started[-1] is last


def test_one_that_dies_before_all_have_served_is_started_anew() -> None:
    first, second = Process(), Process().begin()
    machine = Machine(first, second)
    assert machine.supervise(1, lambda: first.end(KILLED), lambda: machine.pass_time(1))
    assert machine.started == [first, second]
