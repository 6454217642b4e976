"""A dangerous act that one operator has proposed, and how it ended."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from policies.ids import PersonId
from service.proposal import waits


class ActKind(StrEnum):
    """What only two operators do together."""

    SUSPEND_DECLARATION = "suspend-declaration"
    RESUME_DECLARATION = "resume-declaration"
    RETIRE_DECLARATION = "retire-declaration"
    REGISTER_CLIENT = "register-client"
    REPLACE_CLIENT_KEYS = "replace-client-keys"
    SUSPEND_CLIENT = "suspend-client"


class ActOutcome(StrEnum):
    """How a proposal ended."""

    DONE = "done"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedAct:
    """That something be done, and by whom it was proposed."""

    number: int
    what: ActKind
    subject: str
    """What it is done to: a declaration as `kind:id@version`, or the id of a client."""
    document: bytes = field(repr=False)
    """What it is done with, as canonical JSON: a client's metadata or keys; else empty."""
    digest: str
    """SHA-256 of the document, so that both operators can compare what they approve."""
    proposed_by: PersonId
    proposed_at: datetime
    decided_by: PersonId | None = None
    decided_at: datetime | None = None
    outcome: ActOutcome | None = None

    def is_open(self, now: datetime) -> bool:
        return waits(self.proposed_at, self.outcome, now)
