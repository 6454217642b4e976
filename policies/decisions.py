"""A decision, and the port that makes one: whatever goes wrong in it, nothing is permitted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from policies.decision_inputs import DecisionInput

SYSTEM_ERROR = "system-error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """May it, by which policies, and what the decision was made from."""

    allowed: bool
    reason: str
    """The code that the person is told first."""
    rank: int
    """Its place among the reasons of several decisions."""
    policies: tuple[str, ...]
    """Ids of what decided; of a permit that did not hold, its failed conditions."""
    input: DecisionInput
    policy_set: str
    """Digest of the policies and their schema."""

    @property
    def marks(self) -> tuple[str, str]:
        """What an event says of it: by which policies, from which facts."""
        return f"cedar:{self.policy_set}", f"input:{self.input.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDecision:
    """A decision as it was kept, with what it was made from."""

    policy_set: str
    input_digest: str
    document: bytes
    """The question as canonical JSON."""
    allowed: bool
    reason: str
    policies: tuple[str, ...]
    decided_at: datetime


class DecisionPort(Protocol):
    """Decides one question; never raises, and never permits what it could not decide."""

    @property
    def policy_set(self) -> str:
        """Digest of the policies and their schema."""
        ...

    @property
    def faults(self) -> int:
        """How many decisions could not be made: each was a denial."""
        ...

    def decide(self, asked: DecisionInput) -> Decision: ...
