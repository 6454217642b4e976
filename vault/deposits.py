"""Deposits: a source hands in a document, and all of its facts are kept, or none.

Each fact becomes a new version of the record of its person, attribute and source; nothing is ever
written over. A value that has not changed gets a version too: that the source still says so, and
when it did, is news to whoever decides on it, and telling "unchanged" would mean opening the old
value, which only a permit may. The same document a second time is not news: an event says that it
came, and nothing else happens.

Facts of different sources are never merged: each source has a record of its own.
"""

from dataclasses import replace

from audit.model import Event
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from policies.facts import Document
from policies.ids import EventId, PersonId, new_uuid
from vault.documents import check_document
from vault.people import UnknownPersonError
from vault.store import depositing as store
from vault.store.depositing import DepositKey, NewVersion
from vault.store.heads import heads_of
from vault.store.locks import lock_person
from vault.unwanted import refuse_unwanted
from vault.vault import Vault
from vault.versions import deposit_event, deposit_key_of, digest_of, seal_versions

ALREADY_DEPOSITED = "already-deposited"


def deposit(uow: UnitOfWork, vault: Vault, person: PersonId, document: Document) -> EventId:
    """Keep the document's facts about the person; gives the event `data.deposited`.

    Raises RefusedDocumentError and UnknownPersonError; then nothing is kept.
    """
    check_document(document, vault.catalogue, now=uow.now)
    turn_to(uow.connection, person)
    key = lock_person(uow.connection, person)
    if key is None:
        raise UnknownPersonError(person)
    refuse_unwanted(uow.connection, person, document.dataset)
    deposit_key = deposit_key_of(vault, person, document)
    happened = deposit_event(vault, person, document)
    if store.deposited(uow.connection, {(person, deposit_key)}):
        return uow.record(replace(happened, reason=ALREADY_DEPOSITED))
    heads = heads_of(uow.connection, {person}).get((person, document.source), {})
    versions = seal_versions(vault, person, document, key, heads)
    return _write(uow, person, deposit_key, happened, key.version, versions)


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
        replace(happened, reference=str(deposit_id), digest=digest_of(deposit_id, versions))
    )
    arrived = store.deposit_row(
        person, deposit_key, deposit_id=deposit_id, now=uow.now, event_id=event_id
    )
    store.write(
        uow.connection,
        deposits=[arrived],
        begun=[store.record_row(person, deposit_key, e) for e in versions if e.version == 1],
        moved=[store.record_move(person, each) for each in versions if each.version > 1],
        versions=[
            store.version_row(person, each, deposit_id=deposit_id, key_version=key_version)
            for each in versions
        ],
    )
    return event_id
