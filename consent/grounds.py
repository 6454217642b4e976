"""On which ground somebody stops, ends or undoes a consent: closed lists of reason codes.

A code stands in the event, and its words for the person in `policies/data/reasons.toml`.
"""

from dataclasses import dataclass
from enum import StrEnum

from consent.parties import Party


class SuspensionGround(StrEnum):
    """Why a consent is stopped for a while."""

    ART18 = "art18"
    """The person wants it so (GDPR article 18)."""
    CLIENT_SUSPENDED = "client-suspended"
    BREACH = "breach"
    MANDATE_CHECK = "mandate-check"
    MAJORITY_REAFFIRM = "majority-reaffirm"
    """A guardian gave it, and the person, of age by now, has to confirm it."""
    NOTICE_DEFECT = "notice-defect"
    PURPOSE_SUSPENDED = "purpose-suspended"
    """Two operators have suspended the declaration of the purpose."""


class LegalGround(StrEnum):
    """Why somebody else than the person ends a consent."""

    AUTHORITY_ORDER = "authority-order"
    COURT_ORDER = "court-order"
    LAW_CHANGED = "law-changed"
    MISUSE = "misuse"
    """The recipient used the data otherwise than it had told."""
    ERASURE = "data-erased"
    """All of the person's data was erased by order."""
    PURPOSE_RETIRED = "purpose-retired"
    """Two operators have ended the declaration of the purpose."""
    ENDED_BEFORE = "ended-before"
    """A restored backup had brought it back."""


class Defect(StrEnum):
    """Why a consent was never valid."""

    UNDERAGE = "underage"
    NO_CAPACITY = "no-capacity"
    FRAUD = "fraud"
    NOTICE_DEFECT = "notice-defect"
    IMBALANCE = "imbalance"


Ground = SuspensionGround | LegalGround | Defect


@dataclass(frozen=True, slots=True)
class Suspension:
    """Who has stopped a consent, and why: only the same one lets it go on."""

    by: Party
    ground: SuspensionGround
