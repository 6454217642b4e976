"""Data sets of which a person wants no copy here: what she had erased does not come back by itself.

A source goes on sending what it holds. Without this an erased data set would stand here again the
next day; so a deposit of it is refused, until she allows it again.
"""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from policies.ids import DatasetId, PersonId
from vault.documents import Refusal, RefusedDocumentError
from vault.store import unwanted as store
from vault.store.locks import lock_person
from vault.vault import Vault


def unwanted_of(connection: Connection, person: PersonId) -> list[DatasetId]:
    """The data sets of which the person wants no copy."""
    turn_to(connection, person)
    return store.of_people(connection, {person}).get(person, [])


def unwanted_of_all(
    connection: Connection, people_: Collection[PersonId]
) -> Mapping[PersonId, list[DatasetId]]:
    """The same for many; who wants everything is absent. The connection sees everyone."""
    return store.of_people(connection, people_)


def refuse_unwanted(connection: Connection, person: PersonId, dataset: DatasetId) -> None:
    """Raise RefusedDocumentError where the person wants no copy. The person must be locked."""
    if dataset in unwanted_of(connection, person):
        raise RefusedDocumentError(Refusal.NOT_WANTED)


def allow_again(uow: UnitOfWork, vault: Vault, person: PersonId, dataset: DatasetId) -> bool:
    """Let copies be kept again; False when nothing was in the way."""
    turn_to(uow.connection, person)
    lock_person(uow.connection, person)
    if not store.remove(uow.connection, person, dataset):
        return False
    attributes = vault.catalogue.dataset(dataset).attributes
    uow.record(Event(kind=Kind.DATA_WANTED_AGAIN, subject=person, attributes=attributes))
    return True
