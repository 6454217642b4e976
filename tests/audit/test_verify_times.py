"""Times against what others have seen: each bound holds to the second, and no wrong clock damns."""

from datetime import timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint
from audit.faults import BundleError, Fault
from audit.timestamp import TOLERANCE
from audit.trust import Signed
from audit.verify_times import CLOCKS, LATE, Claim, Sighting, check_times, sightings_of
from tests.audit.sample import NOW

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
SEEN = [Sighting.at(10, NOW), Sighting.at(20, NOW + 60 * MINUTE)]


def fault(claim: Claim, seen: list[Sighting]) -> Fault:
    with pytest.raises(BundleError) as error:
        check_times([claim], seen, file="events.jsonl")
    assert (error.value.file, error.value.entry) == ("events.jsonl", claim.index)
    return error.value.fault


def test_no_stamp_is_taken_whose_clock_a_verifier_would_call_wrong() -> None:
    assert CLOCKS >= TOLERANCE
    assert LATE == 2 * MINUTE  # docs/auditor.md says so: the merge delay and the clocks


@pytest.mark.parametrize(
    "claim",
    [
        Claim(0, NOW + CLOCKS),
        Claim(9, NOW - 10_000 * MINUTE),
        Claim(10, NOW - LATE),
        Claim(19, NOW + 60 * MINUTE + CLOCKS),
        Claim(20, NOW + 60 * MINUTE - LATE),
        Claim(99, NOW + 10_000 * MINUTE),
    ],
)
def test_a_time_between_the_sightings_before_and_after_it_is_believed(claim: Claim) -> None:
    assert check_times([claim], SEEN, file="events.jsonl") == 1


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (Claim(0, NOW + CLOCKS + SECOND), Fault.POSTDATED),
        (Claim(9, NOW + CLOCKS + SECOND), Fault.POSTDATED),
        (Claim(10, NOW - LATE - SECOND), Fault.BACKDATED),
        (Claim(19, NOW + 60 * MINUTE + CLOCKS + SECOND), Fault.POSTDATED),
        (Claim(20, NOW + 60 * MINUTE - LATE - SECOND), Fault.BACKDATED),
        (Claim(99, NOW), Fault.BACKDATED),
    ],
)
def test_a_time_outside_of_them_is_named(claim: Claim, expected: Fault) -> None:
    assert fault(claim, SEEN) is expected
    assert fault(claim, SEEN[::-1]) is expected


def test_where_nobody_has_seen_the_log_no_time_was_checked() -> None:
    assert check_times([Claim(0, NOW)], [], file="events.jsonl") == 0
    assert check_times([], SEEN, file="events.jsonl") == 0


def test_the_first_that_is_wrong_is_named() -> None:
    claims = [Claim(0, NOW), Claim(12, NOW - 60 * MINUTE), Claim(13, NOW - 60 * MINUTE)]
    with pytest.raises(BundleError) as error:
        check_times(claims, SEEN, file="events.jsonl")
    assert error.value.entry == 12


def test_a_later_sighting_of_a_smaller_log_binds_as_well() -> None:
    seen = [Sighting.at(10, NOW + 60 * MINUTE), Sighting.at(20, NOW)]
    assert fault(Claim(25, NOW), seen) is Fault.BACKDATED
    assert fault(Claim(5, NOW + 30 * MINUTE), seen) is Fault.POSTDATED


def test_one_witness_with_a_wrong_clock_does_not_condemn_a_log() -> None:
    cosigned = MappingProxyType({"w1": NOW, "slow": NOW - 60 * MINUTE, "fast": NOW + 60 * MINUTE})
    (seen,) = sightings_of(Signed(Checkpoint("x", 10, bytes(32)), (), cosigned))
    assert seen == Sighting(10, NOW - 60 * MINUTE, NOW + 60 * MINUTE)
    assert check_times([Claim(9, NOW), Claim(10, NOW)], [seen], file="x") == 2
    assert fault(Claim(9, NOW + 62 * MINUTE), [seen]) is Fault.POSTDATED
    assert fault(Claim(10, NOW - 63 * MINUTE), [seen]) is Fault.BACKDATED


def test_a_checkpoint_that_nobody_has_cosigned_was_seen_by_nobody() -> None:
    assert sightings_of(Signed(Checkpoint("x", 10, bytes(32)), ())) == []


SOME = st.tuples(st.integers(0, 12), st.integers(-9, 9), st.integers(0, 3))


@given(seen=st.lists(SOME), index=st.integers(0, 12), minutes=st.integers(-12, 12))
def test_it_is_what_each_sighting_says_for_itself(
    seen: list[tuple[int, int, int]], index: int, minutes: int
) -> None:
    sightings = [Sighting(n, NOW + a * MINUTE, NOW + (a + d) * MINUTE) for n, a, d in seen]
    at = NOW + minutes * MINUTE
    agrees = all(
        at <= each.latest + CLOCKS if index < each.size else at >= each.earliest - LATE
        for each in sightings
    )
    try:
        check_times([Claim(index, at)], sightings, file="x")
    except BundleError:
        assert not agrees
    else:
        assert agrees
