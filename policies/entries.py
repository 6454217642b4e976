"""What the catalogue is made of: organisations, sources, data sets and attributes."""

from dataclasses import dataclass
from enum import StrEnum

from policies.ids import AttributeId, DatasetId, OrganisationId, SourceId
from policies.text import Text
from policies.vocabulary import AuthorityRank, Label, LevelOfAssurance


class UnknownCatalogueEntryError(LookupError):
    """No entry of that kind has that id."""

    def __init__(self, kind: str, id_: str) -> None:
        super().__init__(f"the catalogue has no {kind} {id_}")
        self.kind = kind
        self.id = id_


class OrganisationKind(StrEnum):
    """Which grounds an organisation can have depends on what it is."""

    AUTHORITY = "authority"
    PRIVATE = "private"


class ValueType(StrEnum):
    """What a value is; money is in cents and no type holds a float."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "instant"
    """A point in time in UTC, to the second: 2026-11-20T07:30:00Z (RFC 3339 section 5.6)."""
    MONEY_CENTS = "money_cents"
    STRINGS = "strings"


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who receives data, or keeps a source."""

    id: OrganisationId
    name: Text
    business_id: str
    kind: OrganisationKind
    contact: str
    privacy_url: str


@dataclass(frozen=True, slots=True)
class Source:
    """A register that states facts, and how far it may be believed."""

    id: SourceId
    name: Text
    organisation: OrganisationId
    authority: AuthorityRank


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that can be known about a person, under one name everywhere."""

    id: AttributeId
    dataset: DatasetId
    name: Text
    description: Text
    type: ValueType
    unit: str | None
    decimals: int
    """How many digits of an integer stand after the decimal sign: 64 with one is 6.4."""
    sensitive: bool
    """Masked on pages until the person asks to see it."""
    contact: bool
    """Tells where the person can be found: a protected person's is shown to nobody by choice."""
    labels: frozenset[Label]
    """The labels that every value of it carries."""
    dpv: str


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the vault keeps its copy of a data set's values."""

    days: int
    """The value that counts: from when it was stated, or from the end of its validity."""
    history_days: int
    """A value that a newer one has replaced: from when it came."""
    law: Text | None
    """The law that has the copy kept, by name; the person cannot have it erased then."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Attributes that come from one source and are read together."""

    id: DatasetId
    name: Text
    description: Text
    attributes: tuple[AttributeId, ...]
    source: SourceId
    min_loa: LevelOfAssurance
    max_validity_days: int
    retention: Retention
