"""A fact: one attribute's value with where it came from and how far it may be trusted."""

from dataclasses import dataclass, field
from datetime import date, datetime

from policies.ids import AttributeId, DatasetId, SourceId
from policies.vocabulary import AuthorityRank, Label

Value = str | int | bool | tuple[str, ...]
"""What an attribute may hold. Money is in cents (int), dates and times are texts of the one form
that `policies.entries.ValueType` says; no floats."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One value as a source stated it. `observed_at` is UTC, `valid_to` a date or None."""

    attribute: AttributeId
    value: Value = field(repr=False)
    source: SourceId
    authority: AuthorityRank
    observed_at: datetime
    valid_to: date | None = None
    labels: frozenset[Label] = frozenset()


@dataclass(frozen=True, slots=True)
class Document:
    """What a connector makes of one document of a source: a whole, or nothing."""

    dataset: DatasetId
    source: SourceId
    facts: tuple[Fact, ...]
    digest: bytes
    """SHA-256 of the document as it came, 32 bytes."""
