"""One thing that a client is told."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policies.ids import AttributeId, ClientId, ConsentId, EventId, PersonId, PurposeId


class Told(StrEnum):
    """What a client can be told."""

    GIVEN = "consent.given"
    NOT_GIVEN = "consent.not-given"
    NARROWED = "consent.narrowed"
    PAUSED = "consent.paused"
    RESUMED = "consent.resumed"
    WITHDRAWN = "consent.withdrawn"
    ENDED = "consent.ended"
    DISPUTED = "data.disputed"
    SETTLED = "data.dispute-settled"
    RESTATED = "data.restated"
    ERASED = "data.erased"
    RENAMED = "subject.changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that a client is told. `about` is the event that it is about, once per client."""

    client: ClientId
    what: Told
    person: PersonId
    attributes: tuple[AttributeId, ...]
    at: datetime
    about: EventId
    consent: ConsentId | None = None
    purpose: PurposeId | None = None
    case: str | None = None
    reason: str | None = None
    subject: str | None = None
    """The client's name for the person, where it can be found nowhere when the client looks."""
    former_subjects: tuple[str, ...] = ()
    """Other names under which the client may know her."""
