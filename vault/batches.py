"""Many documents deposited at once: the same effect as one after the other, in a few statements.

What each of them becomes is made by the same functions as for a single deposit (`vault.versions`);
here the questions to the database are asked, and the rows written, for all of them together. All
people concerned are locked, in the order of their ids, until the unit of work ends.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from audit.model import Event
from audit.unit_of_work import UnitOfWork
from policies.deposit_document import Stated
from policies.facts import Document
from policies.identity_code import InvalidIdentityCodeError
from policies.ids import AttributeId, DatasetId, PersonId, SourceId, new_uuid
from vault.deposits import ALREADY_DEPOSITED
from vault.documents import Refusal
from vault.people import InvalidIdentifierError, identifier_digest, make_person
from vault.store import bulk as store
from vault.store import people as people_store
from vault.store import records, tables
from vault.store.people import WrappedKey
from vault.store.records import ConcurrentDepositError, DepositKey, Head, NewVersion
from vault.unwanted import unwanted_of_all
from vault.vault import Vault
from vault.versions import deposit_event, deposit_key_of, digest_of, seal_versions


class Outcome(StrEnum):
    """What became of a document; all but the first two are reasons of a refusal."""

    KEPT = "kept"
    KNOWN = ALREADY_DEPOSITED
    INVALID_IDENTIFIER = "wrong-form"
    UNKNOWN_PERSON = "unknown-person"
    NOT_WANTED = Refusal.NOT_WANTED.value


RecordKey = tuple[PersonId, SourceId, AttributeId]


@dataclass(slots=True)
class _Batch:
    """What is known of the people in hand, and the rows to write."""

    uow: UnitOfWork
    vault: Vault
    keys: dict[PersonId, WrappedKey]
    came_before: set[tuple[PersonId, DepositKey]]
    heads: dict[tuple[PersonId, SourceId], dict[AttributeId, Head]]
    unwanted: Mapping[PersonId, Collection[DatasetId]]
    deposits: list[store.Row] = field(default_factory=list)
    versions: list[store.Row] = field(default_factory=list)
    begun: dict[RecordKey, dict[str, Any]] = field(default_factory=dict)
    """Rows of new records: a later document of the batch may move what an earlier one began."""
    moved: dict[RecordKey, dict[str, Any]] = field(default_factory=dict)
    """Changes of the others: from what was read to what the last document made of it."""


def deposit_all(
    uow: UnitOfWork, vault: Vault, stated: Sequence[Stated], *, enrols: bool
) -> list[Outcome]:
    """Keep the documents, which `vault.stated` has read; what became of each, in their order.

    `enrols` takes in whoever is not known yet. The unit of work must be about everyone
    (audit.scope).
    """
    people = _people(uow, vault, stated, enrols=enrols)
    about = [
        (each, one.document)
        for each, one in zip(people, stated, strict=True)
        if not isinstance(each, Outcome)
    ]
    batch = _open_batch(uow, vault, about)
    taken = iter([_take(batch, person, document) for person, document in about])
    _write(batch)
    return [each if isinstance(each, Outcome) else next(taken) for each in people]


def _people(
    uow: UnitOfWork, vault: Vault, stated: Sequence[Stated], *, enrols: bool
) -> list[PersonId | Outcome]:
    """Whom each document is about, or why nobody."""
    digests = [_identifier(vault, one) for one in stated]
    wanted = {each: one.scheme for each, one in zip(digests, stated, strict=True) if each}
    known = store.people_of(uow.connection, wanted)
    new = {digest: scheme for digest, scheme in wanted.items() if digest not in known}
    if new and enrols:
        known |= _enrol(uow, vault, new)
    return [
        Outcome.INVALID_IDENTIFIER if each is None else known.get(each, Outcome.UNKNOWN_PERSON)
        for each in digests
    ]


def _identifier(vault: Vault, one: Stated) -> bytes | None:
    try:
        return identifier_digest(vault, one.scheme, one.identifier)
    except (InvalidIdentifierError, InvalidIdentityCodeError):
        return None


def _enrol(uow: UnitOfWork, vault: Vault, new: Mapping[bytes, str]) -> dict[bytes, PersonId]:
    """Take in people by their identifiers; whom somebody else took in meanwhile is theirs."""
    rows = [
        {"person_id": PersonId(new_uuid()), "digest": digest, "scheme": scheme}
        for digest, scheme in new.items()
    ]
    ours = store.claim_identifiers(uow.connection, rows, now=uow.now)
    made = [make_person(uow, vault, person) for person in sorted(ours)]
    store.add_people(uow.connection, made, now=uow.now)
    return store.people_of(uow.connection, new)


def _open_batch(
    uow: UnitOfWork, vault: Vault, about: Sequence[tuple[PersonId, Document]]
) -> _Batch:
    people = {person for person, _ in about}
    wanted = {(person, deposit_key_of(vault, person, document)) for person, document in about}
    keys = store.lock_people(uow.connection, people)
    for person in sorted(people - keys.keys()):
        # It has changed while we waited for it.
        keys |= _lock_again(uow, person)
    return _Batch(
        uow,
        vault,
        keys=keys,
        came_before=store.deposited(uow.connection, wanted),
        heads=store.heads_of(uow.connection, people),
        unwanted=unwanted_of_all(uow.connection, people),
    )


def _lock_again(uow: UnitOfWork, person: PersonId) -> dict[PersonId, WrappedKey]:
    key = people_store.lock_person(uow.connection, person)
    return {} if key is None else {person: key}


def _take(batch: _Batch, person: PersonId, document: Document) -> Outcome:
    """Seal one document's versions and note the rows that keep them."""
    key = batch.keys.get(person)
    if key is None:
        return Outcome.UNKNOWN_PERSON
    if document.dataset in batch.unwanted.get(person, ()):
        return Outcome.NOT_WANTED
    deposit_key = deposit_key_of(batch.vault, person, document)
    happened = deposit_event(batch.vault, person, document)
    if (person, deposit_key) in batch.came_before:
        batch.uow.record(replace(happened, reason=ALREADY_DEPOSITED))
        return Outcome.KNOWN
    batch.came_before.add((person, deposit_key))
    heads = batch.heads.setdefault((person, document.source), {})
    versions = seal_versions(batch.vault, person, document, key, heads)
    _note_deposit(batch, person, deposit_key, happened, key, versions)
    for new in versions:
        _note_record(batch, person, deposit_key, new)
        heads[new.fact.attribute] = _head_after(new, heads.get(new.fact.attribute))
    return Outcome.KEPT


def _note_deposit(
    batch: _Batch,
    person: PersonId,
    deposit_key: DepositKey,
    happened: Event,
    key: WrappedKey,
    versions: list[NewVersion],
) -> None:
    """The event of the document, its row, and the rows of its versions."""
    deposit_id = new_uuid()
    event_id = batch.uow.record(
        replace(happened, reference=str(deposit_id), digest=digest_of(deposit_id, versions))
    )
    row = records.deposit_row(
        person, deposit_key, deposit_id=deposit_id, now=batch.uow.now, event_id=event_id
    )
    batch.deposits.append(row)
    batch.versions += [
        records.version_row(person, new, deposit_id=deposit_id, key_version=key.version)
        for new in versions
    ]


def _note_record(batch: _Batch, person: PersonId, deposit_key: DepositKey, new: NewVersion) -> None:
    """A record begun or moved on; one that the batch has in hand already is moved further."""
    named = (person, deposit_key.source, new.fact.attribute)
    if new.version == 1:
        batch.begun[named] = records.record_row(person, deposit_key, new)
    elif named in batch.begun:
        batch.begun[named] |= {
            "current": new.current,
            "latest": new.version,
            "protected": new.protected,
        }
    else:
        move = records.record_move(person, new)
        first = batch.moved.get(named, move)
        batch.moved[named] = move | {"read": first["read"]}


def _head_after(new: NewVersion, before: Head | None) -> Head:
    """How the record stands for the next document of the batch."""
    if before is not None and new.current != new.version:
        return replace(before, latest=new.version)
    fact = new.fact
    return Head(
        new.record, new.current, new.version, fact.authority, fact.observed_at, new.protected
    )


def _write(batch: _Batch) -> None:
    """All rows. Raises ConcurrentDepositError."""
    connection = batch.uow.connection
    store.insert_rows(connection, tables.deposit, batch.deposits)
    store.insert_rows(connection, tables.record, list(batch.begun.values()))
    if store.move_records(connection, list(batch.moved.values())) != len(batch.moved):
        raise ConcurrentDepositError
    store.insert_rows(connection, tables.version, batch.versions)
