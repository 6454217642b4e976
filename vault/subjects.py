"""Whom a stated document is about: its person, and others whom single facts are about as well.

What they are called by becomes people here. Nobody whom the vault does not know can say yes, so a
fact about such a person is no fact to keep.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from audit.unit_of_work import UnitOfWork
from policies.deposit_document import DepositDocumentError, Stated, Subject, place_of_other
from policies.facts import Document
from policies.identity_code import InvalidIdentityCodeError
from policies.ids import PersonId
from vault.documents import Refusal
from vault.people import InvalidIdentifierError, enrol, find_person, identifier_digest
from vault.unwanted import unwanted_of
from vault.vault import Vault

UNKNOWN_PERSON = "unknown-person"
UNKNOWN_OTHER = "unknown-other"
_PLACE = "#/subject/id"


def settle(
    uow: UnitOfWork, vault: Vault, stated: Stated, *, enrols: bool
) -> tuple[PersonId, Document]:
    """The person, and the document with the ids of the others; `enrols` takes in who is new.

    Raises DepositDocumentError.
    """
    in_order = _in_order(vault, stated)
    if stated.also_about:
        _refuse_unwanted(uow, vault, stated)
    found = {subject: _find(uow, vault, subject, enrols=enrols) for subject in in_order}
    people = {subject: person for subject, person in found.items() if person is not None}
    if stated.subject not in people:
        raise DepositDocumentError(_PLACE, UNKNOWN_PERSON)
    for place, other in _others(stated):
        if other not in people:
            raise DepositDocumentError(place, UNKNOWN_OTHER)
    return people[stated.subject], with_others(stated, people)


def subjects_of(stated: Stated) -> set[Subject]:
    """Everybody whom the document names."""
    return {stated.subject}.union(*stated.also_about.values())


def with_others(stated: Stated, people: Mapping[Subject, PersonId]) -> Document:
    """The document, its facts with the others whom they are about, all of whom are known."""
    if not stated.also_about:
        return stated.document
    facts = tuple(
        replace(
            fact,
            also_about=frozenset(
                people[each] for each in stated.also_about.get(fact.attribute, ())
            ),
        )
        for fact in stated.document.facts
    )
    return replace(stated.document, facts=facts)


def _refuse_unwanted(uow: UnitOfWork, vault: Vault, stated: Stated) -> None:
    """Before anybody is taken in: what its person does not want takes in nobody beside her.

    Without a lock, since identifiers come before people (vault.store.locks): the deposit itself
    asks again.
    """
    person = _find(uow, vault, stated.subject, enrols=False)
    if person is not None and stated.document.dataset in unwanted_of(uow.connection, person):
        raise DepositDocumentError("#/dataset", Refusal.NOT_WANTED)


def _find(uow: UnitOfWork, vault: Vault, subject: Subject, *, enrols: bool) -> PersonId | None:
    scheme, identifier = subject.scheme, subject.identifier
    if enrols:
        return enrol(uow, vault, scheme=scheme, identifier=identifier)
    return find_person(uow.connection, vault, scheme=scheme, identifier=identifier)


def _in_order(vault: Vault, stated: Stated) -> list[Subject]:
    """By digest, as many are taken in (vault.store.bulk): two deposits that name the same new
    people never wait for each other."""
    digests = {}
    try:
        for subject in subjects_of(stated):
            digests[subject] = identifier_digest(vault, subject.scheme, subject.identifier)
    except (InvalidIdentifierError, InvalidIdentityCodeError):
        # The others' forms have been checked where the document was read.
        raise DepositDocumentError(_PLACE, "wrong-form") from None
    return sorted(digests, key=digests.__getitem__)


def _others(stated: Stated) -> Iterator[tuple[str, Subject]]:
    for attribute, others in stated.also_about.items():
        for number, other in enumerate(others):
            yield place_of_other(attribute, number), other
