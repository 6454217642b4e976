"""Things that are used once."""

from datetime import timedelta
from threading import Barrier, Thread

from connectors.demo_idp import one_time
from connectors.demo_idp.one_time import OneTimeStore
from tests.connectors.conftest import Clock


def store(clock: Clock) -> OneTimeStore[str]:
    return OneTimeStore(timedelta(seconds=60), clock)


def test_a_value_is_taken_once(clock: Clock) -> None:
    held = store(clock)
    name = held.put("x")
    assert held.look(name) == "x"
    assert held.take(name) == "x"
    assert held.take(name) is None
    assert held.look(name) is None


def test_a_value_ends(clock: Clock) -> None:
    held = store(clock)
    name = held.put("x")
    clock.advance(seconds=59)
    assert held.look(name) == "x"
    clock.advance(seconds=1)
    assert held.look(name) is None
    assert held.take(name) is None


def test_a_name_is_given_once_while_it_lives(clock: Clock) -> None:
    held = store(clock)
    assert held.put_as("a", "x")
    assert not held.put_as("a", "y")
    assert held.look("a") == "x"
    clock.advance(seconds=60)
    assert held.put_as("a", "z")


def test_the_oldest_go_when_there_are_too_many(clock: Clock) -> None:
    held = store(clock)
    names = [held.put(str(number)) for number in range(one_time.LIMIT + 1)]
    assert held.look(names[0]) is None
    assert held.look(names[1]) == "1"
    assert held.look(names[-1]) == str(one_time.LIMIT)


def test_of_sixteen_who_come_at_once_one_gets_it(clock: Clock) -> None:
    held = store(clock)
    name = held.put("x")
    start, got = Barrier(16), list[str | None]()

    def take() -> None:
        start.wait()
        got.append(held.take(name))

    threads = [Thread(target=take) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(value for value in got if value) == ["x"]
