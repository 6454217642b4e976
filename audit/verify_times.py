"""Does each entry stand where its time says? Pure.

Whoever keeps the log could write today what he says happened last month. But somebody outside has
had the log before him at a certain size: an authority for time stamps, or a witness. What stood in
it then did not happen later, and what did not stand in it did not happen much earlier, since an
event gets its place within the merge delay (audit.promise).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from audit.faults import BundleError, Fault
from audit.promise import MERGE_DELAY
from audit.trust import Signed

CLOCKS = timedelta(minutes=1)
"""How far the clocks of two honest parties may be apart; no stamp is taken from one whose clock
differs more from ours (audit.timestamp)."""
LATE = MERGE_DELAY + CLOCKS
"""So long before somebody saw the log without it, an entry may have happened at most."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Somebody outside has seen the log at this size, not before the one time and not after the
    other: of several witnesses one may have a wrong clock, and must not condemn a log."""

    size: int
    earliest: datetime
    latest: datetime

    @classmethod
    def at(cls, size: int, moment: datetime) -> "Sighting":
        return cls(size, moment, moment)


@dataclass(frozen=True, slots=True)
class Claim:
    """When an entry says that its event happened."""

    index: int
    at: datetime


def sightings_of(*checkpoints: Signed) -> list[Sighting]:
    """What the witnesses of these checkpoints have seen."""
    return [
        Sighting(each.checkpoint.size, min(each.cosigned.values()), max(each.cosigned.values()))
        for each in checkpoints
        if each.cosigned
    ]


def check_times(claims: Iterable[Claim], sightings: Sequence[Sighting], *, file: str) -> int:
    """How many entries were held against what was seen. Raises BundleError for the first wrong."""
    seen = sorted(sightings, key=lambda each: each.size)
    sizes = [each.size for each in seen]
    without = list(accumulate((each.earliest for each in seen), max))
    within = list(accumulate((each.latest for each in reversed(seen)), min))[::-1]
    checked = 0
    for claim in claims:
        place = bisect_right(sizes, claim.index)  # those before it saw the log without the entry
        if place > 0 and claim.at < without[place - 1] - LATE:
            raise BundleError(Fault.BACKDATED, file, claim.index)
        if place < len(seen) and claim.at > within[place] + CLOCKS:
            raise BundleError(Fault.POSTDATED, file, claim.index)
        checked += bool(seen)
    return checked
