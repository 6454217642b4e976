"""A proposal to join two records of one person, and how it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from policies.ids import PersonId

LIFETIME = timedelta(days=30)
"""So long a proposal waits; after that it is made anew."""


def waits(proposed_at: datetime, outcome: StrEnum | None, now: datetime) -> bool:
    """Whether a proposal can be decided still: it has not been, and its time is not over."""
    return outcome is None and now < proposed_at + LIFETIME


class Outcome(StrEnum):
    """How a proposal ended."""

    MERGED = "merged"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """That what is kept under `other` be kept under `first` from now on."""

    number: int
    first: PersonId
    other: PersonId
    reference: str
    """Where it is written why: a case of the operator's, nothing of the person."""
    proposed_at: datetime
    approved_by: PersonId | None
    decided_at: datetime | None
    outcome: Outcome | None

    def is_open(self, now: datetime) -> bool:
        return waits(self.proposed_at, self.outcome, now)
