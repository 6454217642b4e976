"""Whom a document is about: known, taken in, or the document is refused by the place."""

import threading
from dataclasses import replace

import pytest

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import Ledger, begin
from policies.deposit_document import DepositDocumentError, Stated, Subject
from policies.ids import PersonId
from tests.vault.given import (
    AINO,
    EMPLOYER,
    GROSS,
    HOUSEHOLD,
    INCOME,
    NOW,
    VILLE,
    deposited,
    document,
    fact,
)
from vault.erasure import Request, erase_dataset
from vault.people import IDENTITY_SCHEME, find_person
from vault.subjects import settle
from vault.vault import Vault

AINO_NAMED, VILLE_NAMED = Subject(IDENTITY_SCHEME, AINO), Subject(IDENTITY_SCHEME, VILLE)


def joint(identifier: str = AINO, *others: Subject) -> Stated:
    """A document of two facts, the second of which is about others too."""
    about = {EMPLOYER: others or (VILLE_NAMED,)}
    return Stated(IDENTITY_SCHEME, identifier, document(fact(GROSS), fact(EMPLOYER, "A")), about)


def person_of(ledger: Ledger, vault: Vault, identifier: str) -> PersonId | None:
    with ledger.read() as connection:
        return find_person(connection, vault, scheme=IDENTITY_SCHEME, identifier=identifier)


def refused(ledger: Ledger, vault: Vault, stated: Stated) -> tuple[str, str]:
    with (
        pytest.raises(DepositDocumentError) as error,
        begin(ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        settle(uow, vault, stated, enrols=False)
    return error.value.pointer, error.value.reason


def test_everybody_is_taken_in_where_that_is_allowed(ledger: Ledger, vault: Vault) -> None:
    stated = joint()
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        person, made = settle(uow, vault, stated, enrols=True)
    ville = person_of(ledger, vault, VILLE)
    assert person == person_of(ledger, vault, AINO) != ville
    assert [each.also_about for each in made.facts] == [frozenset(), frozenset({ville})]
    assert made.evidence.names_others
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert settle(uow, vault, stated, enrols=False) == (person, made)


def test_what_is_about_nobody_else_stays_as_it_is(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    stated = Stated(IDENTITY_SCHEME, AINO, document(fact()))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        found, made = settle(uow, vault, stated, enrols=False)
    assert found == person
    assert made is stated.document
    assert not made.evidence.names_others


def test_one_who_is_not_known_is_told_by_the_place(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    assert refused(ledger, vault, joint(VILLE, AINO_NAMED)) == ("#/subject/id", "unknown-person")
    assert refused(ledger, vault, joint(AINO, AINO_NAMED, VILLE_NAMED)) == (
        f"#/facts/{EMPLOYER}/also_about/1/id",
        "unknown-other",
    )
    assert refused(ledger, vault, joint("010199-9011")) == ("#/subject/id", "wrong-form")
    nameless = replace(joint(), scheme="urn:oid:1.2.246.22", identifier=" ")
    assert refused(ledger, vault, nameless) == ("#/subject/id", "wrong-form")
    assert person_of(ledger, vault, VILLE) is None


def test_what_its_person_does_not_want_takes_in_nobody_beside_her(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        erase_dataset(uow, vault, person, INCOME, Request.by_wish())
    with (
        pytest.raises(DepositDocumentError) as error,
        begin(ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        settle(uow, vault, joint(), enrols=True)
    assert (error.value.pointer, error.value.reason) == ("#/dataset", "not-wanted-here")
    # The refusal is kept, and nothing beside it: the way in keeps what was done until then.
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        with pytest.raises(DepositDocumentError):
            settle(uow, vault, joint(), enrols=True)
        uow.record(Event(kind=Kind.DEPOSIT_REFUSED, reason="not-wanted-here"))
    assert person_of(ledger, vault, VILLE) is None
    other = replace(joint(), document=document(fact(HOUSEHOLD, 2)), also_about={})
    other = replace(other, also_about={HOUSEHOLD: (VILLE_NAMED,)})
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        settle(uow, vault, other, enrols=True)
    assert person_of(ledger, vault, VILLE) is not None


def test_two_documents_that_name_each_others_people_do_not_wait_for_each_other(
    ledger: Ledger, vault: Vault
) -> None:
    start = threading.Barrier(2)
    found: list[PersonId] = []

    def run(stated: Stated) -> None:
        start.wait()
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            found.append(settle(uow, vault, stated, enrols=True)[0])

    documents = (joint(AINO, VILLE_NAMED), joint(VILLE, AINO_NAMED))
    threads = [threading.Thread(target=run, args=(each,)) for each in documents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {person_of(ledger, vault, each) for each in (AINO, VILLE)}
