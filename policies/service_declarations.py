"""Service declarations: what a source gives of one data set, on which grounds and how long.

The other half of `policies.purposes`: no purpose may ask for more than the sources of its data
allow. The data sets of the catalogue are the first declarations (`declared_by_catalogue`); a source
that wants other limits submits a new version. In the vocabulary of the Estonian data consent
service (service declaration) and of ISO/IEC TS 27560:2023 (`pii_information`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from policies.canonical import sha256_hex
from policies.entries import Attribute, Dataset, Source, UnknownCatalogueEntryError
from policies.ids import AttributeId, DatasetId, OrganisationId, SourceId
from policies.purposes import DeclarationError, PurposeDeclaration
from policies.schemas import SchemaError, conforming
from policies.vocabulary import AuthorityRank, Label, LegalBasis, LevelOfAssurance

_USUAL_GROUNDS = (
    LegalBasis.CONSENT,
    LegalBasis.PERMISSION,
    LegalBasis.REQUEST,
    LegalBasis.STATUTE,
)
"""On which every data set of the catalogue is given; the others a source must declare itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAttribute:
    """One attribute that a source gives, and how far it may be believed."""

    id: AttributeId
    category: str
    """The category of data in W3C DPV, as the catalogue has it."""
    special: bool
    """Whether it is of a special category (GDPR article 9)."""
    authority: AuthorityRank
    freshness_days: int | None = None
    """How old a value may be before it is asked for anew; None for as long as it is kept."""
    joint: bool = False
    """Whether it is about other people too, each of whom has a say in it."""
    derivable_from: tuple[AttributeId, ...] = ()
    """What it can be computed from, where that says more than is needed."""

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "category": self.category,
            "special": self.special,
            "authority": int(self.authority),
            "joint": self.joint,
            "derivable_from": list(self.derivable_from),
            **({} if self.freshness_days is None else {"freshness_days": self.freshness_days}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDeclaration:
    """What one source gives of one data set. Its id is that of the data set."""

    id: DatasetId
    version: int
    organisation: OrganisationId
    source: SourceId
    attributes: tuple[ServedAttribute, ...]
    min_loa: LevelOfAssurance
    max_validity_days: int
    extension_allowed: bool
    """Whether a consent may be renewed before it ends."""
    single_use_only: bool
    grounds: tuple[LegalBasis, ...]
    """On which the source gives it."""

    def digest(self) -> str:
        """SHA-256 over the canonical JSON of all fields, in lower-case hexadecimal."""
        return sha256_hex(self.to_json())

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "version": self.version,
            "organisation": self.organisation,
            "source": self.source,
            "attributes": [each.to_json() for each in self.attributes],
            "min_loa": self.min_loa.name.lower(),
            "max_validity_days": self.max_validity_days,
            "extension_allowed": self.extension_allowed,
            "single_use_only": self.single_use_only,
            "grounds": [each.value for each in self.grounds],
        }

    @classmethod
    def from_json(cls, data: object) -> "ServiceDeclaration":
        """The declaration that `to_json` wrote; raises DeclarationError at the first fault."""
        try:
            members = conforming(data, "service")
        except SchemaError as error:
            raise DeclarationError(".".join(error.place), error.reason) from error
        return cls(
            id=DatasetId(members["id"]),
            version=members["version"],
            organisation=OrganisationId(members["organisation"]),
            source=SourceId(members["source"]),
            attributes=tuple(_served(each) for each in members["attributes"]),
            min_loa=LevelOfAssurance[members["min_loa"].upper()],
            max_validity_days=members["max_validity_days"],
            extension_allowed=members["extension_allowed"],
            single_use_only=members["single_use_only"],
            grounds=tuple(LegalBasis(each) for each in members["grounds"]),
        )


class Entries(Protocol):
    """What of the catalogue a declaration is checked against."""

    def dataset(self, id_: DatasetId) -> Dataset: ...

    def source(self, id_: SourceId) -> Source: ...

    def attribute(self, id_: AttributeId) -> Attribute: ...


def declared_by_catalogue(catalogue: Entries, dataset: Dataset) -> ServiceDeclaration:
    """The first version, as the data files have it."""
    source = catalogue.source(dataset.source)
    attributes = [catalogue.attribute(each) for each in dataset.attributes]
    return ServiceDeclaration(
        id=dataset.id,
        version=1,
        organisation=source.organisation,
        source=source.id,
        attributes=tuple(
            ServedAttribute(
                id=each.id,
                category=each.dpv,
                special=Label.ARTICLE_9 in each.labels,
                authority=source.authority,
                joint=Label.JOINT in each.labels,
            )
            for each in attributes
        ),
        min_loa=dataset.min_loa,
        max_validity_days=dataset.max_validity_days,
        extension_allowed=True,
        single_use_only=False,
        grounds=_USUAL_GROUNDS,
    )


def check_service(declaration: ServiceDeclaration, catalogue: Entries) -> None:
    """Raise DeclarationError when nobody may rely on the declaration.

    1. Data set, source and organisation are those of the catalogue, and belong together.
    2. Each attribute is one of the data set, once, and is called what the catalogue calls it.
    3. A source may be stricter than the catalogue, never laxer.
    """
    try:
        dataset = catalogue.dataset(declaration.id)
    except UnknownCatalogueEntryError as error:
        raise DeclarationError("id", str(error)) from error
    source = catalogue.source(dataset.source)
    if declaration.source != source.id:
        raise DeclarationError("source", f"is not the source of {dataset.id}")
    if declaration.organisation != source.organisation:
        raise DeclarationError("organisation", f"does not keep {source.id}")
    _check_attributes(declaration, dataset, source, catalogue)
    if declaration.min_loa < dataset.min_loa:
        raise DeclarationError("min_loa", f"is lower than {dataset.id} needs")
    if declaration.max_validity_days > dataset.max_validity_days:
        raise DeclarationError("max_validity_days", f"is longer than {dataset.id} allows")


def check_served(declaration: PurposeDeclaration, services: Collection[ServiceDeclaration]) -> None:
    """Raise DeclarationError when a purpose asks for more than the sources give.

    `services` are those in force, by the data sets of the catalogue. Estonia's rule: what a
    purpose declaration asks for must be declared by the service of each source.
    """
    by_attribute = {each.id: of for of in services for each in of.attributes}
    for place, asked in enumerate(declaration.attributes):
        service = by_attribute.get(asked.id)
        if service is None:
            raise DeclarationError(f"attributes.{place}.id", "is given by no source at the moment")
        _check_within(declaration, service)


def _check_within(declaration: PurposeDeclaration, service: ServiceDeclaration) -> None:
    if declaration.basis not in service.grounds:
        raise DeclarationError("basis", f"is no ground on which {service.id} is given")
    if declaration.required_loa < service.min_loa:
        raise DeclarationError("required_loa", f"is lower than {service.id} needs")
    if declaration.max_validity_days > service.max_validity_days:
        raise DeclarationError("max_validity_days", f"is longer than {service.id} allows")
    if service.single_use_only and declaration.max_uses != 1:
        raise DeclarationError("max_uses", f"is not 1, and {service.id} is given once only")


def _check_attributes(
    declaration: ServiceDeclaration, dataset: Dataset, source: Source, catalogue: Entries
) -> None:
    seen: set[AttributeId] = set()
    for place, each in enumerate(declaration.attributes):
        where = f"attributes.{place}"
        if each.id not in dataset.attributes:
            raise DeclarationError(f"{where}.id", f"is not an attribute of {dataset.id}")
        if each.id in seen:
            raise DeclarationError(f"{where}.id", f"{each.id} stands twice")
        seen.add(each.id)
        known = catalogue.attribute(each.id)
        if each.category != known.dpv:
            raise DeclarationError(f"{where}.category", f"is {known.dpv} in the catalogue")
        if each.special is not (Label.ARTICLE_9 in known.labels):
            raise DeclarationError(f"{where}.special", "is not what the catalogue says")
        if each.authority > source.authority:
            raise DeclarationError(f"{where}.authority", f"is higher than that of {source.id}")
        if each.id in each.derivable_from:
            raise DeclarationError(f"{where}.derivable_from", "holds the attribute itself")


def _served(data: Mapping[str, Any]) -> ServedAttribute:
    return ServedAttribute(
        id=AttributeId(data["id"]),
        category=data["category"],
        special=data["special"],
        authority=AuthorityRank(data["authority"]),
        freshness_days=data.get("freshness_days"),
        joint=data["joint"],
        derivable_from=tuple(AttributeId(each) for each in data["derivable_from"]),
    )
