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
from vault.store import records as store
from vault.store.locks import lock_person
from vault.store.records import DepositKey, NewVersion
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
    if store.is_deposited(uow.connection, person, deposit_key):
        return uow.record(replace(happened, reason=ALREADY_DEPOSITED))
    heads = store.heads(uow.connection, person, document.source)
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
    store.add_deposit(
        uow.connection, person, deposit_key, deposit_id=deposit_id, now=uow.now, event_id=event_id
    )
    for new in versions:
        store.move_record(uow.connection, person, deposit_key, new)
    store.add_versions(
        uow.connection, person, versions, deposit_id=deposit_id, key_version=key_version
    )
    return event_id
