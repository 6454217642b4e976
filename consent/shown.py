"""What stood before a person when she answered, as it is kept."""

from dataclasses import dataclass
from datetime import datetime

from consent.record import Mode
from policies.ids import AttributeId, ConsentId, PersonId, PurposeId, SessionId
from policies.vocabulary import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One presentation, bound to the answer that followed it."""

    consent: ConsentId
    version: int
    person: PersonId
    purpose: PurposeId
    purpose_version: int
    language: Language
    mode: Mode
    template: str
    template_digest: str
    """SHA-256, in hexadecimal, of the files from which the page was made."""
    text_digest: str
    """SHA-256, in hexadecimal, of the notice's texts in that language."""
    presentation_digest: str
    """Keyed digest of all that was shown, the values included."""
    choices: tuple[AttributeId, ...]
    """What could be ticked. Nothing was ticked beforehand."""
    shown_at: datetime
    session: SessionId
