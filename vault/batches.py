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
from policies.deposit_document import Stated, Subject
from policies.facts import Document
from policies.identity_code import InvalidIdentityCodeError
from policies.ids import AttributeId, DatasetId, PersonId, SourceId, new_uuid
from vault import subjects
from vault.deposits import ALREADY_DEPOSITED
from vault.documents import Refusal
from vault.people import InvalidIdentifierError, identifier_digest, make_person
from vault.store import bulk as store
from vault.store import depositing
from vault.store.depositing import DepositKey, NewVersion
from vault.store.heads import Head, heads_of
from vault.store.locks import lock_people
from vault.store.people import WrappedKey
from vault.unwanted import unwanted_of_all
from vault.vault import Vault
from vault.versions import deposit_event, deposit_key_of, digest_of, seal_versions


class Outcome(StrEnum):
    """What became of a document; all but the first two are reasons of a refusal."""

    KEPT = "kept"
    KNOWN = ALREADY_DEPOSITED
    INVALID_IDENTIFIER = "wrong-form"
    UNKNOWN_PERSON = subjects.UNKNOWN_PERSON
    UNKNOWN_OTHER = subjects.UNKNOWN_OTHER
    NOT_WANTED = Refusal.NOT_WANTED.value


RecordKey = tuple[PersonId, SourceId, AttributeId]
_Unwanted = Mapping[PersonId, Collection[DatasetId]]


@dataclass(frozen=True, slots=True)
class _HandedIn:
    """A document about somebody whom the vault knows now."""

    person: PersonId
    document: Document
    key: DepositKey


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
    people, new, unwanted = _people(uow, vault, stated, enrols=enrols)
    known = [_handed_in(vault, one, people, unwanted) for one in stated]
    handed_in = [each for each in known if not isinstance(each, Outcome)]
    batch = _open_batch(uow, vault, handed_in, new)
    taken = iter([_take(batch, each) for each in handed_in])
    _write(batch)
    return [each if isinstance(each, Outcome) else next(taken) for each in known]


def _people(
    uow: UnitOfWork, vault: Vault, stated: Sequence[Stated], *, enrols: bool
) -> tuple[dict[Subject, PersonId], dict[PersonId, WrappedKey], _Unwanted]:
    """Those in the documents whom the vault knows now, the keys of those who are new, and what is
    not wanted of the documents that name others."""
    everybody = {each for one in stated for each in subjects.subjects_of(one)}
    digests = {each: _identifier(vault, each) for each in everybody}
    wanted = {digest: each.scheme for each, digest in digests.items() if digest}
    known = store.people_of(uow.connection, wanted)
    unwanted = _unwanted(uow, stated, digests, known)
    unknown = {
        digest: wanted[digest]
        for one in stated
        for digest in _takes_in(one, digests, known, unwanted)
        if digest not in known
    }
    new: dict[PersonId, WrappedKey] = {}
    if unknown and enrols:
        new = _enrol(uow, vault, unknown)
        known |= store.people_of(uow.connection, unknown)
    people = {each: known[digest] for each, digest in digests.items() if digest in known}
    return people, new, unwanted


def _unwanted(
    uow: UnitOfWork,
    stated: Sequence[Stated],
    digests: Mapping[Subject, bytes | None],
    known: Mapping[bytes, PersonId],
) -> _Unwanted:
    """What the people of documents that name others do not want; it is asked again once they are
    locked."""
    named = {digests[one.subject] for one in stated if one.also_about}
    people = {person for digest, person in known.items() if digest in named}
    return unwanted_of_all(uow.connection, people) if people else {}


def _takes_in(
    one: Stated,
    digests: Mapping[Subject, bytes | None],
    known: Mapping[bytes, PersonId],
    unwanted: _Unwanted,
) -> set[bytes]:
    """Whom the document names, by digest; nobody where it is refused."""
    own = digests[one.subject]
    if own is None:
        return set()
    if own in known and one.document.dataset in unwanted.get(known[own], ()):
        return set()
    found = {digests[each] for each in subjects.subjects_of(one)}
    return {digest for digest in found if digest is not None}


def _handed_in(
    vault: Vault, one: Stated, people: Mapping[Subject, PersonId], unwanted: _Unwanted
) -> _HandedIn | Outcome:
    person = people.get(one.subject)
    if person is None:
        malformed = _identifier(vault, one.subject) is None
        return Outcome.INVALID_IDENTIFIER if malformed else Outcome.UNKNOWN_PERSON
    if one.document.dataset in unwanted.get(person, ()):
        return Outcome.NOT_WANTED
    if not people.keys() >= subjects.subjects_of(one):
        return Outcome.UNKNOWN_OTHER
    document = subjects.with_others(one, people)
    return _HandedIn(person, document, deposit_key_of(vault, person, document))


def _identifier(vault: Vault, subject: Subject) -> bytes | None:
    try:
        return identifier_digest(vault, subject.scheme, subject.identifier)
    except (InvalidIdentifierError, InvalidIdentityCodeError):
        return None


def _enrol(
    uow: UnitOfWork, vault: Vault, unknown: Mapping[bytes, str]
) -> dict[PersonId, WrappedKey]:
    """Take in people by their identifiers, but for those whom somebody else takes in now."""
    rows = [
        {"person_id": PersonId(new_uuid()), "digest": digest, "scheme": scheme}
        for digest, scheme in unknown.items()
    ]
    ours = store.claim_identifiers(uow.connection, rows, now=uow.now)
    made = [make_person(uow, vault, person) for person in sorted(ours)]
    store.add_people(uow.connection, made, now=uow.now)
    return {each.id: each.key for each in made}


def _open_batch(
    uow: UnitOfWork,
    vault: Vault,
    handed_in: Sequence[_HandedIn],
    new: dict[PersonId, WrappedKey],
) -> _Batch:
    """Lock whom the vault knew before, and ask what it holds of them; of the new ones nothing."""
    known = {each.person for each in handed_in} - new.keys()
    keys = lock_people(uow.connection, known)
    before = {(each.person, each.key) for each in handed_in if each.person in known}
    return _Batch(
        uow,
        vault,
        keys=keys | new,
        came_before=depositing.deposited(uow.connection, before),
        heads=heads_of(uow.connection, known),
        unwanted=unwanted_of_all(uow.connection, known),
    )


def _take(batch: _Batch, one: _HandedIn) -> Outcome:
    """Seal one document's versions and note the rows that keep them."""
    person, document = one.person, one.document
    key = batch.keys.get(person)
    if key is None:
        return Outcome.UNKNOWN_PERSON
    if document.dataset in batch.unwanted.get(person, ()):
        return Outcome.NOT_WANTED
    happened = deposit_event(batch.vault, person, document)
    if (person, one.key) in batch.came_before:
        batch.uow.record(replace(happened, reason=ALREADY_DEPOSITED))
        return Outcome.KNOWN
    batch.came_before.add((person, one.key))
    heads = batch.heads.setdefault((person, document.source), {})
    versions = seal_versions(batch.vault, person, document, key, heads)
    _note_deposit(batch, one, happened, key, versions)
    for new in versions:
        _note_record(batch, one, new)
        heads[new.fact.attribute] = _head_after(new, heads.get(new.fact.attribute))
    return Outcome.KEPT


def _note_deposit(
    batch: _Batch,
    one: _HandedIn,
    happened: Event,
    key: WrappedKey,
    versions: list[NewVersion],
) -> None:
    """The event of the document, its row, and the rows of its versions."""
    deposit_id = new_uuid()
    event_id = batch.uow.record(
        replace(happened, reference=str(deposit_id), digest=digest_of(deposit_id, versions))
    )
    row = depositing.deposit_row(
        one.person, one.key, deposit_id=deposit_id, now=batch.uow.now, event_id=event_id
    )
    batch.deposits.append(row)
    batch.versions += [
        depositing.version_row(one.person, new, deposit_id=deposit_id, key_version=key.version)
        for new in versions
    ]


def _note_record(batch: _Batch, one: _HandedIn, new: NewVersion) -> None:
    """A record begun or moved on; one that the batch has in hand already is moved further."""
    named = (one.person, one.key.source, new.fact.attribute)
    if new.version == 1:
        batch.begun[named] = depositing.record_row(one.person, one.key, new)
    elif named in batch.begun:
        batch.begun[named] |= {
            "current": new.current,
            "latest": new.version,
            "protected": new.protected,
        }
    else:
        move = depositing.record_move(one.person, new)
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
    depositing.write(
        batch.uow.connection,
        deposits=batch.deposits,
        begun=list(batch.begun.values()),
        moved=list(batch.moved.values()),
        versions=batch.versions,
    )
