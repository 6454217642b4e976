"""What the vault tells about its content."""

from dataclasses import dataclass
from datetime import date, datetime

from policies.facts import Fact
from policies.ids import AttributeId, DatasetId, EventId, SourceId
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
    """Held and permitted, but a protected person's: only the person and authorities by law see it.

    That a value is withheld tells that the person is protected; recipients are told "not held".
    """
