"""Samples: drawn again by a second program, in bounds, without doubles, and fair."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.sampling import LARGEST, Sample, SampleError, new_seed


def by_the_description(seed: str, size: int, count: int, start: int) -> list[int]:
    """The docstring of the module, written down a second time."""
    wanted, span = min(count, size - start), size - start
    if span <= count:
        return list(range(start, size))
    drawn: list[int] = []
    counter = 0
    while len(drawn) < wanted:
        data = seed.encode("utf-8") + bytes.fromhex(f"{counter:016x}")
        number = int(hashlib.sha256(data).hexdigest()[:16], 16)
        counter += 1
        index = start + number % span
        if number < (2**64 // span) * span and index not in drawn:
            drawn.append(index)
    return sorted(drawn)


def test_a_fixed_sample_never_changes() -> None:
    assert Sample("dice-4-2-6", 1000, 5).indexes() == [0, 34, 433, 667, 680]


@given(
    seed=st.text(min_size=1, max_size=64),
    size=st.integers(1, 10_000),
    count=st.integers(1, LARGEST),
    data=st.data(),
)
def test_it_is_as_described(seed: str, size: int, count: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    drawn = Sample(seed, size, count, start).indexes()
    assert drawn == by_the_description(seed, size, count, start)
    assert len(drawn) == len(set(drawn)) == min(count, size - start)
    assert all(start <= index < size for index in drawn)


def test_a_number_that_would_favour_the_low_indexes_is_passed_over() -> None:
    size = 2**63 + 1  # of all numbers, almost half are above the only multiple that fits
    drawn = Sample("x", size, 20).indexes()
    assert drawn == by_the_description("x", size, 20, 0)
    low = [int(hashlib.sha256(b"x" + n.to_bytes(8, "big")).hexdigest()[:16], 16) for n in range(20)]
    assert any(number >= size for number in low)


def test_no_part_of_the_log_is_drawn_more_often() -> None:
    drawn = Counter(
        index // 100 for n in range(400) for index in Sample(f"s{n}", 1000, 50).indexes()
    )
    assert all(1800 <= drawn[part] <= 2200 for part in range(10))


@pytest.mark.parametrize(
    ("size", "count", "start", "member"),
    [(0, 1, 0, "start"), (5, 1, 5, "start"), (5, 1, -1, "start"), (5, 0, 0, "count")],
)
def test_what_cannot_be_drawn_is_refused(size: int, count: int, start: int, member: str) -> None:
    with pytest.raises(SampleError) as caught:
        Sample("x", size, count, start)
    assert caught.value.member == member


def test_too_large_a_sample_is_refused() -> None:
    with pytest.raises(SampleError):
        Sample("x", 10**6, LARGEST + 1)


def test_a_seed_that_we_make_up_is_new_each_time() -> None:
    assert new_seed() != new_seed()


def test_no_fresh_seed_looks_like_an_identity_code() -> None:
    assert all(new_seed().isalpha() for _ in range(1000))
