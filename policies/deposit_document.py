"""What a source hands in: its one form, the same over HTTP and in a file for the import. Pure.

The form is `policies/data/schema/deposit.schema.json`. A fault says where and why and never repeats
what came: the path is made of names that are ours, since a member's name can be somebody's data.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import takewhile
from typing import Any

from policies.catalogue import Catalogue
from policies.entries import Source
from policies.facts import Document, Fact
from policies.ids import AttributeId, DatasetId, SourceId
from policies.schemas import first_fault
from policies.vocabulary import Label

SCHEMA = "deposit"
_MEMBERS = frozenset(
    {
        *("subject", "format", "scheme", "id", "dataset", "source", "observed_at"),
        *("facts", "value", "valid_to", "labels", "also_about", "signature"),
    }
)
_LONGEST_LIST = 256
_REASONS = {
    "required": "missing",
    "additionalProperties": "unknown-member",
    "propertyNames": "unknown-member",
    "type": "wrong-type",
    "const": "not-supported",
    "enum": "not-supported",
    "pattern": "wrong-form",
    "uniqueItems": "doubled",
}
"""By keyword of JSON Schema; all others are about a size."""


class DepositDocumentError(ValueError):
    """A document that is not taken. `pointer` is a JSON pointer (RFC 6901) in its URI form."""

    def __init__(self, pointer: str, reason: str) -> None:
        super().__init__(f"{pointer}: {reason}")
        self.pointer = pointer
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody as a source names people."""

    scheme: str
    identifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Stated:
    """A document, and the identifier of the person whom it is about."""

    scheme: str
    identifier: str = field(repr=False)
    document: Document
    also_about: Mapping[AttributeId, tuple[Subject, ...]] = field(default_factory=dict)
    """Other people by the facts that are about them as well; the facts themselves do not name them
    yet, since only the vault knows who an identifier leads to."""

    @property
    def subject(self) -> Subject:
        return Subject(self.scheme, self.identifier)


def read_stated(value: object, *, digest: bytes, catalogue: Catalogue) -> Stated:
    """What the JSON value states; `digest` is that of the bytes as they came.

    Raises DepositDocumentError. Whether attributes, types and times are possible is the vault's to
    check, as for every other document.
    """
    fault = first_fault(value, SCHEMA)
    if fault is not None:
        reason = _REASONS.get(fault.keyword, "wrong-size")
        raise DepositDocumentError(pointer_to(fault.place, catalogue), reason)
    members: Mapping[str, Any] = value  # type: ignore[assignment]  # the schema says so
    subject = _subject(members["subject"])
    others = {
        AttributeId(attribute): tuple(_subject(each) for each in said["also_about"])
        for attribute, said in members["facts"].items()
        if "also_about" in said
    }
    document = _document(members, digest, catalogue)
    return Stated(subject.scheme, subject.identifier, document, others)


def place_of_other(attribute: AttributeId, number: int) -> str:
    """The pointer to the identifier of somebody whom a fact is about as well."""
    return f"#/facts/{attribute}/also_about/{number}/id"


def pointer_to(place: Iterable[str | int], catalogue: Catalogue) -> str:
    """The pointer, up to the first name that is not ours (RFC 6901 section 6)."""
    known = takewhile(lambda step: _is_ours(step, catalogue), place)
    return "#" + "".join(f"/{step}" for step in known)


def _is_ours(step: str | int, catalogue: Catalogue) -> bool:
    """A member's name of digits comes as a number too; no list of ours is as long as a code."""
    if isinstance(step, int):
        return step < _LONGEST_LIST
    return step in _MEMBERS or step in catalogue.attributes


def _subject(members: Mapping[str, Any]) -> Subject:
    return Subject(members["scheme"], members["id"])


def _document(members: Mapping[str, Any], digest: bytes, catalogue: Catalogue) -> Document:
    dataset = catalogue.datasets.get(DatasetId(members["dataset"]))
    if dataset is None:
        raise DepositDocumentError("#/dataset", "unknown-dataset")
    source = catalogue.sources.get(SourceId(members.get("source", dataset.source)))
    if source is None:
        raise DepositDocumentError("#/source", "unknown-source")
    observed_at = _instant(members["observed_at"], "#/observed_at")
    if not catalogue.attributes.keys() >= members["facts"].keys():
        raise DepositDocumentError("#/facts", "unknown-attribute")
    facts = tuple(
        _fact(attribute, stated, observed_at, source)
        for attribute, stated in members["facts"].items()
    )
    return Document(dataset.id, source.id, facts, digest, members.get("signature"))


def _fact(attribute: str, stated: Mapping[str, Any], observed_at: datetime, source: Source) -> Fact:
    value, place = stated["value"], f"#/facts/{attribute}"
    if "observed_at" in stated:
        observed_at = _instant(stated["observed_at"], f"{place}/observed_at")
    valid_to = None
    if "valid_to" in stated:
        valid_to = _date(stated["valid_to"], f"{place}/valid_to")
    return Fact(
        attribute=AttributeId(attribute),
        value=tuple(value) if isinstance(value, list) else value,
        source=source.id,
        authority=source.authority,
        observed_at=observed_at,
        valid_to=valid_to,
        labels=frozenset(Label(each) for each in stated.get("labels", ())),
    )


def _instant(text: str, pointer: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # Not chained: the cause repeats the text.
        raise DepositDocumentError(pointer, "no-such-time") from None


def _date(text: str, pointer: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DepositDocumentError(pointer, "no-such-time") from None
