"""What all connectors share about a document: its limits, its facts, and how it is refused.

A document is taken as a whole or refused as a whole. The refusal says where (a JSON pointer,
RFC 6901, or the path of an XML element, made of names that we asked for) and why, and never
quotes the document: what is wrong with it may be somebody's personal data.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from policies.facts import Document, Fact, Value
from policies.ids import AttributeId, DatasetId, SourceId
from policies.vocabulary import AuthorityRank, Label

LARGEST = 4 * 1024 * 1024
DEEPEST = 64

NOTHING: frozenset[Label] = frozenset()


class MalformedDocumentError(ValueError):
    """The document of a source is not what the source publishes; nothing of it is stored."""

    def __init__(self, source: SourceId, place: str, reason: str) -> None:
        super().__init__(f"{source}: {place or 'the document'}: {reason}")
        self.source = source
        self.place = place
        self.reason = reason


def check_size(document: bytes, source: SourceId) -> None:
    """Raise when there is nothing, or more than any document of these sources has."""
    if not document:
        raise MalformedDocumentError(source, "", "is empty")
    if len(document) > LARGEST:
        raise MalformedDocumentError(source, "", f"is larger than {LARGEST} bytes")


def facts(
    source: SourceId,
    values: Mapping[str, Value | None],
    *,
    observed_at: datetime,
    labels: frozenset[Label] = NOTHING,
    authority: AuthorityRank = AuthorityRank.AUTHORITATIVE_REGISTER,
) -> tuple[Fact, ...]:
    """A fact for each attribute that has a value; what a document does not say is no fact."""
    return tuple(
        Fact(
            attribute=AttributeId(attribute),
            value=value,
            source=source,
            authority=authority,
            observed_at=observed_at,
            labels=labels,
        )
        for attribute, value in values.items()
        if value is not None
    )


def whole(dataset: str, source: SourceId, found: tuple[Fact, ...], document: bytes) -> Document:
    """The document as the vault takes it, with the digest of the bytes as they came."""
    if not found:
        raise MalformedDocumentError(source, "", f"says nothing about {dataset}")
    digest = hashlib.sha256(document).digest()
    return Document(dataset=DatasetId(dataset), source=source, facts=found, digest=digest)
