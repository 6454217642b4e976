"""Whether releases on a consent that was never valid are a breach to be told (GDPR article 33)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from policies.ids import ConsentId, PersonId

TIME_TO_NOTIFY = timedelta(hours=72)
"""GDPR article 33(1), from when one knows of it."""


class Outcome(StrEnum):
    """What was found."""

    NO_RISK = "no-risk"
    AUTHORITY_TOLD = "authority-told"
    PERSON_TOLD = "authority-and-person-told"
    """Where the risk is high (article 34)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One assessment, open until it has an outcome."""

    consent: ConsentId
    person: PersonId
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None = None
    outcome: Outcome | None = None
