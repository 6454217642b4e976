"""From a document to the versions of its records: what is sealed, and which version counts."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from audit.model import Event, Kind
from policies.catalogue import Catalogue
from policies.facts import Document, Fact
from policies.ids import AttributeId, PersonId, RecordId, new_uuid
from policies.vocabulary import AuthorityRank, Label
from vault.envelope import Place, seal
from vault.payload import CONTENT_TYPE, encode
from vault.store.depositing import DepositKey, NewVersion
from vault.store.heads import Head
from vault.store.people import WrappedKey
from vault.vault import Vault


def deposit_event(vault: Vault, person: PersonId, document: Document) -> Event:
    """What the log says of the document, before anything is written."""
    return Event(
        kind=Kind.DATA_DEPOSITED,
        subject=person,
        organisation=vault.catalogue.source(document.source).organisation,
        attributes=tuple(fact.attribute for fact in document.facts),
    )


def deposit_key_of(vault: Vault, person: PersonId, document: Document) -> DepositKey:
    """What tells whether the document came before.

    Keyed, since the digest of a short document would let its content be guessed.
    """
    blinded = vault.blind("vault/document/1", person.bytes, document.digest)
    return DepositKey(document.dataset, document.source, blinded)


def seal_versions(
    vault: Vault,
    person: PersonId,
    document: Document,
    key: WrappedKey,
    heads: Mapping[AttributeId, Head],
) -> list[NewVersion]:
    """The next version of the source's record of each attribute, after those that there are."""
    with vault.person_key(person, key.version, key.wrapped) as plain_key:
        return [
            _seal_version(
                vault, person, fact, heads.get(fact.attribute) or _no_head(), key.version, plain_key
            )
            for fact in _completed(vault.catalogue, person, document)
        ]


def _completed(catalogue: Catalogue, person: PersonId, document: Document) -> Iterator[Fact]:
    """The facts with all that is sealed beside their values.

    A fact that brings its evidence keeps it: it came with an export from another installation.
    """
    for fact in document.facts:
        others = fact.also_about - {person}
        labels = fact.labels | catalogue.attribute(fact.attribute).labels
        yield replace(
            fact,
            labels=labels | {Label.JOINT} if others else labels - {Label.JOINT},
            also_about=others,
            evidence=fact.evidence or document.evidence,
        )


def _seal_version(
    vault: Vault,
    person: PersonId,
    fact: Fact,
    head: Head,
    key_version: int,
    key: bytearray,
) -> NewVersion:
    attribute = vault.catalogue.attribute(fact.attribute)
    version = head.latest + 1
    counts = _counts_now(fact, head)
    place = Place(
        installation=vault.installation,
        person=person,
        dataset=attribute.dataset,
        record=head.record,
        version=version,
        field=fact.attribute,
        key_version=key_version,
        content_type=CONTENT_TYPE,
    )
    return NewVersion(
        fact=fact,
        record=head.record,
        version=version,
        current=version if counts else head.current,
        protected=Label.PROTECTED in fact.labels if counts else head.protected,
        sealed=seal(key, place, encode(fact)),
    )


def _no_head() -> Head:
    """What a first version comes after."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    return Head(
        record=RecordId(new_uuid()),
        current=0,
        latest=0,
        authority=AuthorityRank.INFERRED,
        observed_at=long_ago,
        protected=False,
    )


def _counts_now(fact: Fact, head: Head) -> bool:
    """An older document that comes late, or one of less authority, is kept but does not count."""
    return (fact.authority, fact.observed_at) >= (head.authority, head.observed_at)


def digest_of(deposit_id: UUID, versions: list[NewVersion]) -> str:
    """SHA-256 over the deposit's id and each record, version and SHA-256 of the sealed bytes.

    Logged, so that a row that was put back or exchanged can be found out later.
    """
    total = hashlib.sha256(deposit_id.bytes)
    for new in sorted(versions, key=lambda new: new.record):
        total.update(new.record.bytes + new.version.to_bytes(8, "big"))
        total.update(hashlib.sha256(new.sealed).digest())
    return total.hexdigest()
