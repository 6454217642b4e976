"""What the vault tells about its content."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from policies.facts import Fact
from policies.ids import AttributeId, DatasetId, DisputeId, EventId, RecordId, SourceId
from policies.vocabulary import AuthorityRank, Label


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held about a person, without the value."""

    dataset: DatasetId
    attribute: AttributeId
    source: SourceId
    authority: AuthorityRank
    observed_at: datetime
    valid_to: date | None
    labels: frozenset[Label]
    version: int
    """Which of this source's versions it is, from 1."""


@dataclass(frozen=True, slots=True)
class Released:
    """What was opened on a permit. The values may leave once the unit of work has committed."""

    event_id: EventId
    facts: tuple[Fact, ...]
    """One for each attribute, in the permit's order: of the highest authority, then the newest."""
    not_held: tuple[AttributeId, ...]
    withheld: tuple[AttributeId, ...]
    """Held and permitted, but kept back: it is a protected person's, or its use is restricted, or
    it is about others who have not said yes.

    That a value is withheld tells something about the person; recipients are told "not held".
    """


class DisputeReason(StrEnum):
    """What the person says is wrong. Closed: the story is told to the source, not to us."""

    WRONG = "wrong-value"
    OUT_OF_DATE = "out-of-date"
    NOT_ABOUT_ME = "not-about-me"


class Outcome(StrEnum):
    """How a dispute ended."""

    CORRECTED = "corrected"
    """The source has sent another value."""
    KEPT = "kept-by-source"
    """The source stands by its value."""
    TAKEN_BACK = "taken-back"
    """The person says that it is right, or right by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A value of which the person says that it is not so."""

    id: DisputeId
    attribute: AttributeId
    source: SourceId
    record: RecordId
    version: int
    """Which of the source's versions it is about."""
    since: datetime
    """When that version came."""
    reason: DisputeReason
    restricts: bool
    """The person wants it kept back until it is settled (GDPR article 18(1)(a))."""
    opened_at: datetime
    opened_event: EventId
    restated: bool
    """The source has sent a newer value that counts now."""
    outcome: Outcome | None
    settled_at: datetime | None
    newest_event: EventId
