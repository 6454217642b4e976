"""One version of a notice, as it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policies.ids import PurposeId
from policies.vocabulary import Language


class ChangeClass(StrEnum):
    """What a new version changes."""

    EDITORIAL = "editorial"
    """How it is said. Whoever has agreed has agreed to the same."""
    MATERIAL = "material"
    """What it says: who has not answered is asked anew, and what was given stays as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeVersion:
    """One version of a notice."""

    purpose: PurposeId
    version: int
    digest: str
    """Of the whole declaration, in all languages."""
    text_digests: Mapping[Language, str]
    change: ChangeClass
    supersedes: int | None
    registered_at: datetime
