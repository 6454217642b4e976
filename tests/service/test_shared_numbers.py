"""Numbers that processes count together: no count is lost, and a bound is never met too late."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.counters import Counters
from service.refusal_limit import WINDOW, RefusalLimit, Written, counting_together
from service.shared_numbers import LONGEST_NAME, SharedNumbers

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECRET = b"s" * 32
COUNT_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from service.shared_numbers import SharedNumbers
numbers = SharedNumbers(Path(sys.argv[1]), 64)
for _ in range(2000):
    numbers.add(b"name")
"""


@pytest.fixture
def numbers(tmp_path: Path) -> Iterator[SharedNumbers]:
    opened = SharedNumbers(tmp_path / "numbers", 64)
    yield opened
    opened.close()


def test_each_name_has_its_own_number(numbers: SharedNumbers) -> None:
    assert [numbers.add(each) for each in (b"a", b"b", b"a")] == [1, 1, 2]
    assert sorted(numbers) == [(b"a", 2), (b"b", 1)]


def test_processes_and_threads_lose_no_count(numbers: SharedNumbers, tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT_IN_ANOTHER_PROCESS, str(tmp_path / "numbers")]
    others = [subprocess.Popen(command) for _ in range(2)]

    def count() -> None:
        for _ in range(2000):
            numbers.add(b"name")

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.wait(60) for each in others] == [0, 0]
    assert list(numbers) == [(b"name", 8000)]


def test_a_number_ends_and_begins_anew(numbers: SharedNumbers) -> None:
    assert [numbers.add(b"a", at=at, lasts=60) for at in (100, 159.9, 160, 161)] == [1, 2, 1, 2]


def test_a_clock_that_went_back_ends_a_number(numbers: SharedNumbers) -> None:
    assert [numbers.add(b"a", at=at, lasts=60) for at in (100, 100, 99)] == [1, 2, 1]


def test_without_room_names_share_a_number_and_none_begins_too_low(tmp_path: Path) -> None:
    small = SharedNumbers(tmp_path / "small", 4)
    first = [small.add(b"%d" % i, at=1, lasts=60) for i in range(4)]
    assert first == [1, 1, 1, 1]
    assert small.add(b"one more", at=1, lasts=60) == 2
    assert small.add(b"one more", at=61, lasts=60) == 1
    small.close()


@pytest.mark.parametrize("name", [b"", b"x" * (LONGEST_NAME + 1), b"x\0"])
def test_a_name_that_would_be_another_is_refused(numbers: SharedNumbers, name: bytes) -> None:
    with pytest.raises(ValueError, match="not a name"):
        numbers.add(name)
    assert list(numbers) == []


def limits(numbers: SharedNumbers, most: int) -> list[RefusalLimit[str]]:
    """Of two workers, each with a memory of its own."""
    together = counting_together(numbers, SECRET, "test")
    return [RefusalLimit(most, others="others", together=together) for _ in range(2)]


def test_two_workers_have_one_bound(numbers: SharedNumbers) -> None:
    both = limits(numbers, 3)
    written = [each.note("a", NOW) for _ in range(3) for each in both]
    assert written == [
        *[Written.BY_ITSELF] * 3,
        Written.AS_FIRST_OF_MORE,
        *[Written.IN_THE_COUNT] * 2,
    ]
    assert [each.take(NOW + WINDOW) for each in both] == [[("a", 1)], [("a", 1)]]


def test_every_refusal_is_written_by_one_of_them_or_counted(numbers: SharedNumbers) -> None:
    both = limits(numbers, 2)
    written = [both[i % 3 == 0].note("a", NOW) for i in range(20)]
    counted = sum(number for each in both for _, number in each.take(None))
    assert counted == written.count(Written.IN_THE_COUNT) == 17


def test_the_next_minute_begins_anew_for_both(numbers: SharedNumbers) -> None:
    both = limits(numbers, 1)
    for each in both:
        each.note("a", NOW)
    later = NOW + WINDOW + timedelta(seconds=1)
    assert [each.note("a", later) for each in both] == [
        Written.BY_ITSELF,
        Written.AS_FIRST_OF_MORE,
    ]


def test_a_network_address_stands_nowhere_in_the_table(tmp_path: Path) -> None:
    file = tmp_path / "limits"
    numbers = SharedNumbers(file, 64)
    counting_together(numbers, SECRET, "sign-ins")("198.51.100.7", NOW)
    numbers.close()
    assert b"198.51.100.7" not in file.read_bytes()


def test_two_limits_do_not_mix(numbers: SharedNumbers) -> None:
    one, other = (counting_together(numbers, SECRET, label) for label in ("one", "other"))
    assert [one("a", NOW), other("a", NOW), one("a", NOW)] == [1, 1, 2]


def test_counters_of_two_workers_are_added_up(numbers: SharedNumbers) -> None:
    one, other = Counters(numbers), Counters(numbers)
    one.count("token", "ok")
    other.count("token", "ok")
    other.count("par", "invalid_client")
    assert list(one) == list(other) == [("par", "invalid_client", 1), ("token", "ok", 2)]
