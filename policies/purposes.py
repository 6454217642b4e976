"""Purpose declarations: what an organisation may ask for, what for and on which ground.

A declaration is the notice that the person reads before answering (ISO/IEC TS 27560:2023, GDPR
articles 13 and 14). Its digest is what a consent binds to: SHA-256 over the canonical JSON
(`policies.canonical`, RFC 8785) of `to_json()`, that is of every field with all three languages.
A declaration that somebody may have agreed to is never edited: a change is a new version.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from policies.canonical import sha256_hex
from policies.entries import Dataset, Organisation, OrganisationKind, UnknownCatalogueEntryError
from policies.ids import AttributeId, OrganisationId, PurposeId
from policies.plain_language import UnplainTextError, check_plain
from policies.purpose_terms import EEA, NO_TERMS, PurposeTerms
from policies.schemas import SchemaError, conforming, text_member
from policies.text import Text
from policies.vocabulary import Language, LegalBasis, LevelOfAssurance, Necessity

_WITH_LAW = frozenset({LegalBasis.STATUTE, LegalBasis.PERMISSION})
_TEXTS = ("name", "purpose", "use", "retention", "recipients")
_OPTIONAL_TEXTS = ("law", "refusal_consequence", "alternative_path")


class DeclarationError(ValueError):
    """A declaration that may not be used; `field` names the member, `reason` what is wrong."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RequestedAttribute:
    """One attribute of a declaration, with the reason that the person sees."""

    id: AttributeId
    necessity: Necessity
    why: Text
    if_refused: Text
    """What changes without it; where the law decides, that it is not asked."""

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "necessity": self.necessity.value,
            "why": self.why.to_json(),
            "if_refused": self.if_refused.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """That a law keeps from the person for a while that her data was used for this purpose."""

    days: int
    """How long; then her log shows it."""
    law: Text
    """A plain reference to the law that says so."""

    def to_json(self) -> dict[str, object]:
        return {"days": self.days, "law": self.law.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeDeclaration:
    """One purpose of one organisation on one ground."""

    id: PurposeId
    version: int
    organisation: OrganisationId
    basis: LegalBasis
    name: Text
    purpose: Text
    """What the data is for."""
    use: Text
    """What is done with it."""
    law: Text | None
    """A plain reference to the law; main texts hold none."""
    attributes: tuple[RequestedAttribute, ...]
    retention: Text
    recipients: Text
    """Who else sees the data."""
    refusal_consequence: Text | None
    alternative_path: Text | None
    """The other way to the same outcome, by the person's own effort."""
    required_loa: LevelOfAssurance
    max_validity_days: int
    max_uses: int | None
    dpv_purpose: str
    automated_decision: bool
    kept_back: KeptBack | None = None
    terms: PurposeTerms = NO_TERMS
    """Where data is kept, who else gets it, who may answer, and when the purpose counts."""

    @property
    def required(self) -> tuple[AttributeId, ...]:
        """Ids of the attributes without which the purpose cannot be fulfilled."""
        return self._with(Necessity.REQUIRED)

    @property
    def optional(self) -> tuple[AttributeId, ...]:
        return self._with(Necessity.OPTIONAL)

    def _with(self, necessity: Necessity) -> tuple[AttributeId, ...]:
        return tuple(each.id for each in self.attributes if each.necessity is necessity)

    def digest(self) -> str:
        """SHA-256 over the canonical JSON of all fields, in lower-case hexadecimal."""
        return sha256_hex(self.to_json())

    def to_json(self) -> dict[str, object]:
        """The declaration as JSON; a member that is None is left out."""
        return {
            "id": self.id,
            "version": self.version,
            "organisation": self.organisation,
            "basis": self.basis.value,
            "attributes": [each.to_json() for each in self.attributes],
            "required_loa": self.required_loa.name.lower(),
            "max_validity_days": self.max_validity_days,
            "dpv_purpose": self.dpv_purpose,
            "automated_decision": self.automated_decision,
            **({} if self.max_uses is None else {"max_uses": self.max_uses}),
            **({} if self.kept_back is None else {"kept_back": self.kept_back.to_json()}),
            **{name: text.to_json() for name, text in self.texts().items()},
            **self.terms.to_json(),
        }

    def texts(self) -> dict[str, Text]:
        """The texts of the declaration that are there, by member; attributes have their own."""
        named = {name: getattr(self, name) for name in (*_TEXTS, *_OPTIONAL_TEXTS)}
        return {name: text for name, text in named.items() if text is not None}

    def main_texts(self) -> Iterator[tuple[str, Text]]:
        """Every main text with its place; `law` is a reference and not among them."""
        for name, text in self.texts().items():
            if name != "law":
                yield name, text
        for place, each in enumerate(self.attributes):
            yield f"attributes.{place}.why", each.why
            yield f"attributes.{place}.if_refused", each.if_refused

    @classmethod
    def from_json(cls, data: object) -> "PurposeDeclaration":
        """The declaration that `to_json` wrote; raises DeclarationError at the first fault."""
        try:
            return _declaration(conforming(data, "purpose"))
        except SchemaError as error:
            raise DeclarationError(".".join(error.place), error.reason) from error


class Entries(Protocol):
    """What of the catalogue a declaration is checked against."""

    def organisation(self, id_: OrganisationId) -> Organisation: ...

    def dataset_of(self, attribute: AttributeId) -> Dataset: ...


def check_declaration(declaration: PurposeDeclaration, catalogue: Entries) -> None:
    """Raise DeclarationError when the declaration may not be shown to anybody.

    1. The organisation and the attributes are in the catalogue, each attribute once.
    2. The ground is one that this kind of organisation can have.
    3. A choice has a consequence and another way; what the law decides is no choice.
    4. Assurance and time keep within what the data sets allow.
    5. The terms hold together.
    6. The texts are plain.
    """
    organisation = _check_organisation(declaration, catalogue)
    datasets = _check_attributes(declaration, catalogue)
    _check_ground(declaration, organisation)
    _check_choice(declaration)
    _check_limits(declaration, datasets)
    _check_terms(declaration, catalogue)
    _check_plain_texts(declaration)


def check_complete(declaration: PurposeDeclaration, catalogue: Entries) -> None:
    """Raise DeclarationError when a new declaration leaves a term out that a person or a record
    needs: ISO/IEC TS 27560:2023 sections 6.3.4 and 6.3.5, GDPR articles 8, 13 and 35.

    The catalogue's own declarations are from before these terms, and keep what people agreed to.
    """
    terms = declaration.terms
    for name in ("retention_period", "storage_locations"):
        if not getattr(terms, name):
            raise DeclarationError(name, "is missing")
    if declaration.basis.is_choice and terms.minor_rule is None:
        raise DeclarationError("minor_rule", f"is missing, and the ground is {declaration.basis}")
    datasets = [catalogue.dataset_of(each.id) for each in declaration.attributes]
    if terms.dpia_ref is None and any(each.min_loa is LevelOfAssurance.HIGH for each in datasets):
        raise DeclarationError("dpia_ref", "is missing, and the data is of a special category")


def _check_organisation(declaration: PurposeDeclaration, catalogue: Entries) -> Organisation:
    try:
        return catalogue.organisation(declaration.organisation)
    except UnknownCatalogueEntryError as error:
        raise DeclarationError("organisation", str(error)) from error


def _check_attributes(declaration: PurposeDeclaration, catalogue: Entries) -> list[Dataset]:
    ids = [each.id for each in declaration.attributes]
    if not ids:
        raise DeclarationError("attributes", "is empty")
    datasets = []
    for place, attribute in enumerate(ids):
        if attribute in ids[:place]:
            raise DeclarationError(f"attributes.{place}.id", f"{attribute} stands twice")
        try:
            datasets.append(catalogue.dataset_of(attribute))
        except UnknownCatalogueEntryError as error:
            raise DeclarationError(f"attributes.{place}.id", str(error)) from error
    return datasets


def _check_ground(declaration: PurposeDeclaration, organisation: Organisation) -> None:
    basis, kind = declaration.basis, organisation.kind
    if declaration.kept_back is not None and basis is not LegalBasis.STATUTE:
        raise DeclarationError(
            "kept_back", "is there, and what a person chose is not kept from her"
        )
    if basis is LegalBasis.STATUTE and kind is not OrganisationKind.AUTHORITY:
        raise DeclarationError("basis", "statute is the ground of an authority")
    if basis is LegalBasis.CONTRACT and kind is not OrganisationKind.PRIVATE:
        raise DeclarationError("basis", "contract is the ground of a private organisation")
    if basis in _WITH_LAW and declaration.law is None:
        raise DeclarationError("law", f"is missing, and the ground is {basis}")


def _check_choice(declaration: PurposeDeclaration) -> None:
    """An authority may rely on a choice only where refusal keeps an ordinary way open.

    EDPB guidelines 05/2020, section 3.1.1. What the law decides is never shown as a choice.
    """
    basis = declaration.basis
    for name in ("refusal_consequence", "alternative_path"):
        if (getattr(declaration, name) is not None) is not basis.is_choice:
            fault = "is missing" if basis.is_choice else "is there"
            raise DeclarationError(name, f"{fault}, and the ground is {basis}")
    if declaration.optional and not basis.is_choice:
        raise DeclarationError("attributes", f"one is optional, and the ground is {basis}")


def _check_limits(declaration: PurposeDeclaration, datasets: list[Dataset]) -> None:
    for dataset in datasets:
        if declaration.required_loa < dataset.min_loa:
            raise DeclarationError("required_loa", f"is lower than {dataset.id} needs")
        if declaration.max_validity_days > dataset.max_validity_days:
            raise DeclarationError("max_validity_days", f"is longer than {dataset.id} allows")


def _check_terms(declaration: PurposeDeclaration, catalogue: Entries) -> None:
    terms = declaration.terms
    for place, organisation in enumerate(terms.recipient_organisations):
        try:
            catalogue.organisation(organisation)
        except UnknownCatalogueEntryError as error:
            raise DeclarationError(f"recipient_organisations.{place}", str(error)) from error
    if terms.statute_refs and declaration.law is None:
        raise DeclarationError("statute_refs", "is there without the law in words")
    outside = {each.country for each in terms.transfers} & EEA
    if outside:
        raise DeclarationError("transfers", f"names {min(outside)}, which is no third country")
    if terms.valid_from and terms.valid_to and terms.valid_to < terms.valid_from:
        raise DeclarationError("valid_to", "is before valid_from")


def _check_plain_texts(declaration: PurposeDeclaration) -> None:
    for field, text in declaration.main_texts():
        for language in Language:
            try:
                check_plain(text.in_language(language))
            except UnplainTextError as error:
                raise DeclarationError(f"{field}.{language}", str(error)) from error


def _declaration(data: dict[str, Any]) -> PurposeDeclaration:
    texts = {name: text_member(data, name) for name in (*_TEXTS, *_OPTIONAL_TEXTS) if name in data}
    return PurposeDeclaration(
        **{**dict.fromkeys(_OPTIONAL_TEXTS), **texts},  # type: ignore[arg-type]  # one type for all
        id=PurposeId(data["id"]),
        version=data["version"],
        organisation=OrganisationId(data["organisation"]),
        basis=LegalBasis(data["basis"]),
        attributes=tuple(
            _requested(each, within=("attributes", str(place)))
            for place, each in enumerate(data["attributes"])
        ),
        required_loa=LevelOfAssurance[data["required_loa"].upper()],
        max_validity_days=data["max_validity_days"],
        max_uses=data.get("max_uses"),
        dpv_purpose=data["dpv_purpose"],
        automated_decision=data["automated_decision"],
        kept_back=_kept_back(data.get("kept_back")),
        terms=_terms(data),
    )


def _terms(data: dict[str, Any]) -> PurposeTerms:
    try:
        return PurposeTerms.of(data)
    except ValueError as error:
        raise SchemaError(("valid_from",), "is no day, or valid_to is none") from error


def _kept_back(data: dict[str, Any] | None) -> KeptBack | None:
    if data is None:
        return None
    return KeptBack(days=data["days"], law=text_member(data, "law", within=("kept_back",)))


def _requested(data: dict[str, Any], *, within: tuple[str, ...]) -> RequestedAttribute:
    return RequestedAttribute(
        id=AttributeId(data["id"]),
        necessity=Necessity(data["necessity"]),
        why=text_member(data, "why", within=within),
        if_refused=text_member(data, "if_refused", within=within),
    )
