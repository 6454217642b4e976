"""A fact: one attribute's value with where it came from and how far it may be trusted."""

from dataclasses import dataclass, field
from datetime import date, datetime

from policies.ids import AttributeId, DatasetId, PersonId, SourceId
from policies.vocabulary import AuthorityRank, Label

Value = str | int | bool | tuple[str, ...]
"""What an attribute may hold. Money is in cents (int), dates and times are texts of the one form
that `policies.entries.ValueType` says; no floats."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What proves that the source said so: the document in which it stood.

    Neither part is shown by the repr: a short document can be guessed from its digest.
    """

    digest: bytes = field(repr=False)
    """SHA-256 of the document as it came, 32 bytes."""
    signature: str | None = field(default=None, repr=False)
    """The source's signature over the document, as text in the form in which it came: a detached
    JWS (RFC 7515 appendix F), or a CMS signature (RFC 5652) in base64. Kept, and not checked here.
    """
    names_others: bool = field(default=False, repr=False)
    """The document names other people too. Whoever has digest or signature, and all the rest of the
    document, could find out by trying who they are: neither is shown to the person then."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One value as a source stated it. `observed_at` is UTC, `valid_to` a date or None.

    Facts are equal when they say the same; the same can be said in more than one document, so the
    evidence is not compared.
    """

    attribute: AttributeId
    value: Value = field(repr=False)
    source: SourceId
    authority: AuthorityRank
    observed_at: datetime
    valid_to: date | None = None
    labels: frozenset[Label] = frozenset()
    also_about: frozenset[PersonId] = frozenset()
    """Other people whom the value is about as well: what a household earns, an address shared."""
    evidence: Evidence | None = field(default=None, compare=False)
    """None only for what was kept before there was any, or has not been deposited yet."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a connector makes of one document of a source: a whole, or nothing."""

    dataset: DatasetId
    source: SourceId
    facts: tuple[Fact, ...]
    digest: bytes
    """SHA-256 of the document as it came, 32 bytes."""
    signature: str | None = field(default=None, repr=False)
    """The source's signature over the document (`Evidence.signature`)."""

    @property
    def evidence(self) -> Evidence:
        named = any(fact.also_about for fact in self.facts)
        return Evidence(self.digest, self.signature, names_others=named)
