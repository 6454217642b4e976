"""Deposits: whole or nothing, once for one document, every version kept."""

import hashlib
import os
import threading
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from audit.model import SYSTEM, Entry, Kind
from audit.reader import entry
from audit.unit_of_work import Ledger, begin
from policies.facts import Document, Evidence
from policies.ids import EventId, PersonId
from policies.vocabulary import AuthorityRank, Label
from tests.vault.given import (
    EARLIER,
    EMPLOYER,
    GLUCOSE,
    GROSS,
    NOW,
    POPULATION,
    VILLE,
    deposited,
    document,
    fact,
    viewed,
)
from vault.deposits import deposit
from vault.documents import Refusal, RefusedDocumentError
from vault.holdings import describe
from vault.model import Holding
from vault.people import IDENTITY_SCHEME, UnknownPersonError, enrol
from vault.store import tables
from vault.vault import Vault

NOBODY = PersonId(UUID(int=404))


def hand_in(ledger: Ledger, vault: Vault, person: PersonId, given: Document) -> EventId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return deposit(uow, vault, person, given)


def logged(ledger: Ledger, event_id: EventId) -> Entry:
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
    assert found is not None
    return found


def count(ledger: Ledger, name: str) -> int:
    table = tables.metadata.tables[f"vault_{name}"]
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_every_fact_of_a_document_is_kept(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    facts = (fact(), fact(EMPLOYER, "Oy Esimerkki Ab"))
    deposited(ledger, vault, person, *facts)
    assert viewed(ledger, vault, person, GROSS, EMPLOYER).facts == facts


def test_a_deposit_is_an_event_with_attributes_and_the_sources_organisation(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    event_id = hand_in(ledger, vault, person, document(fact()))
    happened = logged(ledger, event_id)
    assert happened.kind is Kind.DATA_DEPOSITED
    assert happened.subject == person
    assert happened.get("organisation") == "tax-admin"
    assert happened.many("attributes") == (GROSS,)
    assert happened.get("reason") is None
    with ledger.read() as connection:
        row = connection.execute(select(tables.deposit)).one()
    assert row.audit_event_id == event_id
    assert happened.get("reference") == str(row.deposit_id)


def test_the_events_digest_is_over_the_sealed_bytes(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    event_id = hand_in(ledger, vault, person, document(fact(), fact(EMPLOYER, "Oy")))
    with ledger.read() as connection:
        rows = connection.execute(select(tables.version).order_by(tables.version.c.record_id)).all()
    ordered = sorted(rows, key=lambda row: row.record_id)
    total = ordered[0].deposit_id.bytes
    for row in ordered:
        total += row.record_id.bytes + row.version.to_bytes(8, "big")
        total += hashlib.sha256(row.sealed).digest()
    assert logged(ledger, event_id).get("digest") == hashlib.sha256(total).hexdigest()


def test_the_same_document_again_changes_nothing_and_says_so(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    given = document(fact())
    first = hand_in(ledger, vault, person, given)
    second = hand_in(ledger, vault, person, given)
    assert second != first
    happened = logged(ledger, second)
    assert happened.kind is Kind.DATA_DEPOSITED
    assert happened.get("reason") == "already-deposited"
    assert happened.get("digest") is None
    assert (count(ledger, "deposit"), count(ledger, "record_version")) == (1, 1)


def test_the_same_document_about_another_person_is_a_deposit(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    given = document(fact())
    for one in (person, other):
        hand_in(ledger, vault, one, given)
    assert count(ledger, "record_version") == 2
    with ledger.read() as connection:
        seen = connection.execute(select(tables.deposit.c.document)).scalars().all()
    assert len({*seen, given.digest}) == 3, "equal documents must not connect two people"


def test_an_unchanged_value_in_a_new_document_is_a_new_version(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    again = replace(fact(), observed_at=EARLIER + timedelta(days=1))
    deposited(ledger, vault, person, again)
    (holding,) = held(ledger, person)
    assert (holding.version, holding.observed_at) == (2, again.observed_at)
    assert (count(ledger, "record"), count(ledger, "record_version")) == (1, 2)


def held(ledger: Ledger, person: PersonId) -> list[Holding]:
    with ledger.read() as connection:
        return describe(connection, person)


def test_an_older_document_that_comes_late_is_kept_and_does_not_count(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    late = replace(fact(value=1), observed_at=EARLIER - timedelta(days=30))
    deposited(ledger, vault, person, late)
    assert viewed(ledger, vault, person, GROSS).facts == (fact(),)
    assert count(ledger, "record_version") == 2
    newer = replace(fact(value=3), observed_at=EARLIER + timedelta(days=1))
    deposited(ledger, vault, person, newer)
    assert viewed(ledger, vault, person, GROSS).facts == (newer,)
    (holding,) = held(ledger, person)
    assert holding.version == 3


def test_a_weaker_statement_of_the_same_source_does_not_replace_a_stronger_one(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    weak = replace(fact(value=1), authority=AuthorityRank.INFERRED, observed_at=NOW)
    deposited(ledger, vault, person, weak)
    assert viewed(ledger, vault, person, GROSS).facts == (fact(),)


def test_a_correction_observed_at_the_same_moment_counts(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    deposited(ledger, vault, person, fact(value=2))
    assert viewed(ledger, vault, person, GROSS).facts == (fact(value=2),)


def test_labels_of_the_attribute_are_added_to_those_of_the_fact(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    stated = replace(
        fact(GLUCOSE, 62),
        labels=frozenset({Label.DISPUTED}),
        valid_to=date(2027, 1, 1),
    )
    deposited(ledger, vault, person, stated)
    labels = frozenset({Label.DISPUTED, Label.ARTICLE_9})
    assert viewed(ledger, vault, person, GLUCOSE).facts == (replace(stated, labels=labels),)
    (holding,) = held(ledger, person)
    assert (holding.labels, holding.valid_to) == (labels, date(2027, 1, 1))


def test_the_document_is_the_evidence_of_each_of_its_facts(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    given = replace(document(fact(), fact(EMPLOYER, "Oy")), signature="head..signature")
    hand_in(ledger, vault, person, given)
    seen = viewed(ledger, vault, person, GROSS, EMPLOYER).facts
    assert [one.evidence for one in seen] == [Evidence(given.digest, "head..signature")] * 2


def test_evidence_that_a_fact_brings_is_kept(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    brought = Evidence(bytes(range(32)))
    hand_in(ledger, vault, person, document(replace(fact(), evidence=brought)))
    assert viewed(ledger, vault, person, GROSS).facts[0].evidence == brought


def test_who_else_a_value_is_about_is_kept_and_marked(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    shared = replace(fact(), also_about=frozenset({NOBODY, person}))
    hand_in(ledger, vault, person, document(shared))
    (seen,) = viewed(ledger, vault, person, GROSS).facts
    assert (seen.also_about, seen.labels) == (frozenset({NOBODY}), frozenset({Label.JOINT}))


def test_a_mark_of_others_without_others_is_left_out(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    marked = replace(fact(), labels=frozenset({Label.JOINT}), also_about=frozenset({person}))
    hand_in(ledger, vault, person, document(marked))
    assert viewed(ledger, vault, person, GROSS).facts == (fact(),)


def test_one_bad_fact_refuses_the_whole_document(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with pytest.raises(RefusedDocumentError) as caught:
        hand_in(ledger, vault, person, document(fact(), fact(EMPLOYER, 5)))
    assert (caught.value.reason, caught.value.attribute) == (Refusal.WRONG_TYPE, EMPLOYER)
    assert [count(ledger, name) for name in ("deposit", "record", "record_version")] == [0, 0, 0]


def test_a_failure_after_the_deposit_takes_all_of_it_back(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    def fail() -> None:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            deposit(uow, vault, person, document(fact(), fact(EMPLOYER, "Oy")))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [count(ledger, name) for name in ("deposit", "record", "record_version")] == [0, 0, 0]


def test_nothing_is_kept_about_nobody(ledger: Ledger, vault: Vault) -> None:
    with pytest.raises(UnknownPersonError):
        hand_in(ledger, vault, NOBODY, document(fact()))


def test_a_fact_under_another_source_than_the_documents_is_refused(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    mixed = replace(document(fact()), source=POPULATION)
    with pytest.raises(RefusedDocumentError) as caught:
        hand_in(ledger, vault, person, mixed)
    assert caught.value.reason is Refusal.OTHER_SOURCE


def test_many_deposits_at_once_give_every_version_its_number(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    start, failures = threading.Barrier(4), list[Exception]()

    def run(value: int) -> None:
        start.wait()
        try:
            deposited(ledger, vault, person, fact(value=value), fact(EMPLOYER, "Oy"))
        except RuntimeError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with ledger.read() as connection:
        numbers = connection.execute(select(tables.version.c.version)).scalars().all()
    assert sorted(numbers) == [1, 1, 2, 2, 3, 3, 4, 4]


def test_the_same_document_at_once_is_kept_once(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    given = document(fact(), digest=os.urandom(32))
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        hand_in(ledger, vault, person, given)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (count(ledger, "deposit"), count(ledger, "record_version")) == (1, 1)
