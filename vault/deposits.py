"""Deposits: a source hands in a document, and all of its facts are kept, or none.

Each fact becomes a new version of the record of its person, attribute and source; nothing is ever
written over. A value that has not changed gets a version too: that the source still says so, and
when it did, is news to whoever decides on it, and telling "unchanged" would mean opening the old
value, which only a permit may. The same document a second time is not news: an event says that it
came, and nothing else happens.

Facts of different sources are never merged: each source has a record of its own.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from policies.catalogue import Catalogue
from policies.facts import Document, Fact
from policies.ids import AttributeId, EventId, PersonId, RecordId, new_uuid
from policies.vocabulary import AuthorityRank, Label
from vault.documents import check_document
from vault.envelope import Place, seal
from vault.payload import CONTENT_TYPE, encode
from vault.people import UnknownPersonError
from vault.store import people as people_store
from vault.store import records as store
from vault.store.people import WrappedKey
from vault.store.records import DepositKey, Head, NewVersion
from vault.vault import Vault

ALREADY_DEPOSITED = "already-deposited"


def deposit(uow: UnitOfWork, vault: Vault, person: PersonId, document: Document) -> EventId:
    """Keep the document's facts about the person; gives the event `data.deposited`.

    Raises RefusedDocumentError and UnknownPersonError; then nothing is kept.
    """
    check_document(document, vault.catalogue, now=uow.now)
    turn_to(uow.connection, person)
    key = people_store.lock_person(uow.connection, person)
    if key is None:
        raise UnknownPersonError(person)
    # Keyed, since the digest of a short document would let its content be guessed.
    blinded = vault.blind("vault/document/1", person.bytes, document.digest)
    deposit_key = DepositKey(document.dataset, document.source, blinded)
    happened = _event(vault, person, document)
    if store.is_deposited(uow.connection, person, deposit_key):
        return uow.record(replace(happened, reason=ALREADY_DEPOSITED))
    heads = store.heads(uow.connection, person, document.source)
    versions = _seal_versions(vault, person, document, key, heads)
    return _write(uow, person, deposit_key, happened, key.version, versions)


def _event(vault: Vault, person: PersonId, document: Document) -> Event:
    return Event(
        kind=Kind.DATA_DEPOSITED,
        subject=person,
        organisation=vault.catalogue.source(document.source).organisation,
        attributes=tuple(fact.attribute for fact in document.facts),
    )


def _seal_versions(
    vault: Vault,
    person: PersonId,
    document: Document,
    key: WrappedKey,
    heads: dict[AttributeId, Head],
) -> list[NewVersion]:
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


def _write(
    uow: UnitOfWork,
    person: PersonId,
    deposit_key: DepositKey,
    happened: Event,
    key_version: int,
    versions: list[NewVersion],
) -> EventId:
    deposit_id = new_uuid()
    event_id = uow.record(
        replace(happened, reference=str(deposit_id), digest=_digest(deposit_id, versions))
    )
    store.add_deposit(
        uow.connection, person, deposit_key, deposit_id=deposit_id, now=uow.now, event_id=event_id
    )
    for new in versions:
        store.move_record(uow.connection, person, deposit_key, new)
    store.add_versions(
        uow.connection, person, versions, deposit_id=deposit_id, key_version=key_version
    )
    return event_id


def _digest(deposit_id: UUID, versions: list[NewVersion]) -> str:
    """SHA-256 over the deposit's id and each record, version and SHA-256 of the sealed bytes.

    Logged, so that a row that was put back or exchanged can be found out later.
    """
    total = hashlib.sha256(deposit_id.bytes)
    for new in sorted(versions, key=lambda new: new.record):
        total.update(new.record.bytes + new.version.to_bytes(8, "big"))
        total.update(hashlib.sha256(new.sealed).digest())
    return total.hexdigest()
