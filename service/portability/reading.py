"""A copy from another installation: verified, and what of it can be kept here. Pure.

Consents are not brought over: they were given to another controller, who shows that they were
given; here the person is asked anew.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from consent.receipt_jws import ReceiptError, verify_receipt
from policies.canonical import canonical_json
from policies.catalogue import Catalogue
from policies.facts import Document, Evidence, Fact
from policies.ids import AttributeId, SourceId
from policies.schemas import first_fault
from policies.vocabulary import AuthorityRank, Label
from service.portability.document import SCHEMA, TYPE

MAX_BYTES = 256 * 1024 * 1024
CODE = "person.identity_code"


class ExportError(ValueError):
    """A file that is not taken; `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Why(StrEnum):
    """Why a value is not kept, beside the vault's own refusals."""

    UNKNOWN_ATTRIBUTE = "unknown-attribute"
    UNKNOWN_SOURCE = "unknown-source"
    ABOUT_OTHERS = "about-others-too"
    """Who they are is not in the copy, so they could not be asked here."""
    RESTRICTED = "restricted-there"
    """The person has its use restricted there; here it would not be."""
    NO_SUCH_TIME = "no-such-time"


@dataclass(frozen=True, slots=True)
class Left:
    """A value that is not kept here."""

    attribute: str
    source: str
    version: int
    why: str


@dataclass(frozen=True, slots=True)
class Readable:
    """What the copy has that can be kept."""

    documents: tuple[Document, ...] = field(repr=False)
    left: tuple[Left, ...]
    lowered: int
    """Values of which the source may claim less authority here than it had there."""
    disputed: int
    """Values that the person disputes there; the mark does not come along."""


def verified(jws: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    """What a copy says that one of these keys has signed. Raises ExportError."""
    try:
        content = verify_receipt(jws, jwks, kind=TYPE, max_bytes=MAX_BYTES)
    except ReceiptError as error:
        raise ExportError(error.reason) from error
    if first_fault(content, SCHEMA) is not None:
        raise ExportError("schema")
    return content


def code_in(content: Mapping[str, Any]) -> str | None:
    """The identity code of whom the copy is about, where it has it."""
    found = [each["value"] for each in content["values"] if each["attribute"] == CODE]
    return found[0] if found else None


def readable(content: Mapping[str, Any], catalogue: Catalogue) -> Readable:
    """The values as the documents in which they came, oldest first, and those that stay out."""
    closed = {
        (each["attribute"], each["source"]): why
        for each in content["values"]
        for why in [_closed(each)]
        if why is not None
    }
    left, kept = [], []
    for each in content["values"]:
        why = closed.get((each["attribute"], each["source"])) or _unknown(each, catalogue)
        if why is None:
            try:
                kept.append((each, _fact(each, catalogue)))
                continue
            except ValueError:
                why = Why.NO_SUCH_TIME
        left.append(Left(each["attribute"], each["source"], each["version"], why))
    return Readable(
        tuple(_documents(kept, catalogue)),
        tuple(left),
        sum(fact.authority.name.lower() != each["authority"] for each, fact in kept),
        sum(Label.DISPUTED in each["labels"] for each, _ in kept),
    )


def _closed(each: Mapping[str, Any]) -> Why | None:
    """Closes all that this source says of it: an older version alone would count here."""
    if each["about_others"]:
        return Why.ABOUT_OTHERS
    return Why.RESTRICTED if Label.RESTRICTED in each["labels"] else None


def _unknown(each: Mapping[str, Any], catalogue: Catalogue) -> Why | None:
    if each["attribute"] not in catalogue.attributes:
        return Why.UNKNOWN_ATTRIBUTE
    return None if each["source"] in catalogue.sources else Why.UNKNOWN_SOURCE


def _fact(each: Mapping[str, Any], catalogue: Catalogue) -> Fact:
    """Raises ValueError for a time that there is not."""
    source = catalogue.source(SourceId(each["source"]))
    value, evidence = each["value"], each["evidence"]
    return Fact(
        attribute=AttributeId(each["attribute"]),
        value=tuple(value) if isinstance(value, list) else value,
        source=source.id,
        authority=min(AuthorityRank[each["authority"].upper()], source.authority),
        observed_at=datetime.fromisoformat(each["observed_at"]),
        valid_to=None if each["valid_to"] is None else date.fromisoformat(each["valid_to"]),
        labels=frozenset({Label.PROTECTED}) & frozenset(each["labels"]),
        evidence=evidence
        and Evidence(base64.b64decode(evidence["sha256"], validate=True), evidence["signature"]),
    )


def _documents(
    kept: Iterable[tuple[Mapping[str, Any], Fact]], catalogue: Catalogue
) -> Iterator[Document]:
    """The values that came together, as one document again."""
    together: dict[tuple[str, str, str, int], list[Fact]] = {}
    in_order = sorted(kept, key=lambda pair: (pair[0]["received_at"], pair[0]["version"]))
    for each, fact in in_order:
        dataset = catalogue.attribute(fact.attribute).dataset
        again = 0
        while any(
            one.attribute == fact.attribute
            for one in together.get((each["received_at"], dataset, fact.source, again), ())
        ):
            again += 1
        together.setdefault((each["received_at"], dataset, fact.source, again), []).append(fact)
    for facts in together.values():
        ordered = tuple(sorted(facts, key=lambda fact: fact.attribute))
        dataset_id = catalogue.attribute(ordered[0].attribute).dataset
        yield Document(dataset_id, ordered[0].source, ordered, _digest(ordered))


def _digest(facts: Iterable[Fact]) -> bytes:
    """The same facts are the same document, from whichever copy they are read."""
    said = [
        [
            fact.attribute,
            list(fact.value) if isinstance(fact.value, tuple) else fact.value,
            fact.source,
            fact.observed_at.isoformat(),
            None if fact.valid_to is None else fact.valid_to.isoformat(),
            sorted(fact.labels),
        ]
        for fact in facts
    ]
    return hashlib.sha256(canonical_json([TYPE, said])).digest()
