"""Many documents at once have the effect of one after the other, and none of them slips through."""

import os
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from audit.model import SYSTEM, Kind
from audit.reader import search
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from policies.deposit_document import Stated, Subject
from policies.facts import Fact, Value
from policies.ids import AttributeId, PersonId
from policies.vocabulary import AuthorityRank, Label
from tests.vault.given import (
    AINO,
    CITY,
    EARLIER,
    EMPLOYER,
    GROSS,
    HOUSEHOLD,
    INCOME,
    NOW,
    POPULATION,
    VILLE,
    document,
    fact,
    viewed,
)
from vault.batches import Outcome, deposit_all
from vault.deposits import deposit
from vault.erasure import Request, erase_dataset
from vault.holdings import describe
from vault.people import IDENTITY_SCHEME, find_person
from vault.store import tables
from vault.store.depositing import ConcurrentDepositError
from vault.vault import Vault

STUCK = {
    "sqlite": [
        "CREATE TRIGGER stuck BEFORE UPDATE ON vault_record BEGIN SELECT RAISE(IGNORE); END"
    ],
    "postgresql": ["CREATE RULE stuck AS ON UPDATE TO vault_record DO INSTEAD NOTHING"],
}
"""Records that let nobody change them, and say nothing."""


def about(identifier: str, *facts: Fact, digest: bytes | None = None) -> Stated:
    return Stated(IDENTITY_SCHEME, identifier, document(*facts, digest=digest))


def handed_in(ledger: Ledger, vault: Vault, *stated: Stated, enrols: bool = True) -> list[Outcome]:
    with begin(ledger, actor=SYSTEM, now=NOW, about=EVERYONE) as uow:
        return deposit_all(uow, vault, stated, enrols=enrols)


def person_of(ledger: Ledger, vault: Vault, identifier: str = AINO) -> PersonId | None:
    with ledger.read() as connection:
        return find_person(connection, vault, scheme=IDENTITY_SCHEME, identifier=identifier)


def value(
    ledger: Ledger, vault: Vault, attribute: AttributeId = GROSS, identifier: str = AINO
) -> Value:
    person = person_of(ledger, vault, identifier)
    assert person is not None
    (found,) = viewed(ledger, vault, person, attribute).facts
    return found.value


def count(ledger: Ledger, table: str) -> int:
    of = tables.metadata.tables[f"vault_{table}"]
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(of)).scalar_one()


def deposited(ledger: Ledger) -> list[str | None]:
    """Reasons of the events of deposits, oldest first."""
    with ledger.read() as connection:
        found = search(connection, ledger, kind=Kind.DATA_DEPOSITED)
    return [each.get("reason") for each in reversed(found)]


def test_people_are_taken_in_with_their_documents(ledger: Ledger, vault: Vault) -> None:
    outcomes = handed_in(
        ledger,
        vault,
        about(AINO, fact(GROSS, 1), fact(EMPLOYER, "Esimerkki Oy")),
        about(VILLE, fact(GROSS, 2)),
        about(AINO, fact(CITY, "Esimerkkilä"), fact(HOUSEHOLD, 3)),
    )
    assert outcomes == [Outcome.KEPT] * 3
    assert value(ledger, vault) == 1
    assert value(ledger, vault, CITY) == "Esimerkkilä"
    assert value(ledger, vault, GROSS, VILLE) == 2
    assert (count(ledger, "person"), count(ledger, "record_version")) == (2, 5)
    with ledger.read() as connection:
        created = search(connection, ledger, kind=Kind.PERSON_CREATED)
    assert len(created) == 2
    assert deposited(ledger) == [None] * 3


def test_a_batch_of_nothing_does_nothing(ledger: Ledger, vault: Vault) -> None:
    assert handed_in(ledger, vault) == []


def test_documents_of_one_record_count_in_their_order(ledger: Ledger, vault: Vault) -> None:
    later = replace(fact(GROSS, 3), observed_at=EARLIER + timedelta(days=1))
    outcomes = handed_in(
        ledger,
        vault,
        about(AINO, fact(GROSS, 1)),
        about(AINO, later),
        about(AINO, fact(GROSS, 2)),
    )
    assert outcomes == [Outcome.KEPT] * 3
    assert value(ledger, vault) == 3
    assert (count(ledger, "record"), count(ledger, "record_version")) == (1, 3)


def test_it_goes_on_after_what_one_deposit_left(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        deposit(uow, vault, person, document(fact(GROSS, 1), fact(EMPLOYER, "A")))
    lower = replace(fact(GROSS, 2), authority=AuthorityRank.AUTHORITY_COPY)
    handed_in(ledger, vault, about(AINO, lower), about(AINO, fact(GROSS, 4)))
    assert value(ledger, vault) == 4
    assert value(ledger, vault, EMPLOYER) == "A"
    assert count(ledger, "record_version") == 4
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        deposit(uow, vault, person, document(fact(GROSS, 5)))
    assert value(ledger, vault) == 5


def test_one_document_is_known_the_second_time(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    digest, other = os.urandom(32), os.urandom(32)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        deposit(uow, vault, person, document(fact(), digest=digest))
    outcomes = handed_in(
        ledger,
        vault,
        about(AINO, fact(), digest=digest),
        about(AINO, fact(), digest=other),
        about(AINO, fact(), digest=other),
        about(VILLE, fact(), digest=digest),
    )
    assert outcomes == [Outcome.KNOWN, Outcome.KEPT, Outcome.KNOWN, Outcome.KEPT]
    assert count(ledger, "deposit") == 3
    assert deposited(ledger) == [None, "already-deposited", None, "already-deposited", None]


def test_sources_keep_records_of_their_own(ledger: Ledger, vault: Vault) -> None:
    other = replace(fact(GROSS, 2, POPULATION), authority=AuthorityRank.AUTHORITY_COPY)
    handed_in(ledger, vault, about(AINO, fact(GROSS, 1)), about(AINO, other))
    person = person_of(ledger, vault)
    assert person is not None
    with ledger.read() as connection:
        held = describe(connection, person)
    assert {(each.source, each.version) for each in held} == {("incomes-register", 1), ("vtj", 1)}


def test_the_mark_of_a_protected_person_comes_and_goes_with_what_counts(
    ledger: Ledger, vault: Vault
) -> None:
    marked = replace(fact(CITY, "A"), labels=frozenset({Label.PROTECTED}))
    handed_in(ledger, vault, about(AINO, marked))
    with ledger.read() as connection:
        assert connection.execute(select(tables.record.c.protected)).scalars().all() == [True]
    handed_in(ledger, vault, about(AINO, fact(CITY, "B")))
    with ledger.read() as connection:
        assert connection.execute(select(tables.record.c.protected)).scalars().all() == [False]


def test_without_leave_nobody_is_taken_in(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    outcomes = handed_in(ledger, vault, about(AINO, fact()), about(VILLE, fact()), enrols=False)
    assert outcomes == [Outcome.KEPT, Outcome.UNKNOWN_PERSON]
    assert count(ledger, "person") == 1
    assert person_of(ledger, vault, VILLE) is None


def test_what_is_no_identifier_stops_nothing(ledger: Ledger, vault: Vault) -> None:
    outcomes = handed_in(
        ledger,
        vault,
        about("010199-9011", fact()),
        replace(about(AINO, fact()), scheme="urn:oid:1.2.246.22", identifier=" "),
        about(AINO, fact()),
    )
    assert outcomes == [Outcome.INVALID_IDENTIFIER, Outcome.INVALID_IDENTIFIER, Outcome.KEPT]


def test_a_fact_about_several_people_names_them_or_is_refused(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    named = {HOUSEHOLD: (Subject(IDENTITY_SCHEME, VILLE),)}
    stated = replace(about(AINO, fact(HOUSEHOLD, 2)), also_about=named)
    assert handed_in(ledger, vault, stated, enrols=False) == [Outcome.UNKNOWN_OTHER]
    assert count(ledger, "deposit") == 0
    assert handed_in(ledger, vault, stated) == [Outcome.KEPT]
    (found,) = viewed(ledger, vault, person, HOUSEHOLD).facts
    assert found.also_about == {person_of(ledger, vault, VILLE)}
    assert Label.JOINT in found.labels


@pytest.mark.parametrize("refused", ["wrong-form", "not-wanted-here"])
def test_a_document_that_is_refused_takes_in_nobody(
    ledger: Ledger, vault: Vault, person: PersonId, refused: str
) -> None:
    named = {EMPLOYER: (Subject(IDENTITY_SCHEME, VILLE),)}
    shared = fact(EMPLOYER, "A")
    if refused == "wrong-form":
        stated = replace(about("010199-9011", shared), also_about=named)
    else:
        handed_in(ledger, vault, about(AINO, fact()))
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            erase_dataset(uow, vault, person, INCOME, Request.by_wish())
        stated = replace(about(AINO, shared), also_about=named)
    home = replace(about(AINO, fact(HOUSEHOLD, 2)), also_about={HOUSEHOLD: ()})
    assert handed_in(ledger, vault, stated, home) == [Outcome(refused), Outcome.KEPT]
    assert person_of(ledger, vault, VILLE) is None
    assert count(ledger, "person") == 1


def test_one_who_is_named_in_two_documents_is_taken_in_once(ledger: Ledger, vault: Vault) -> None:
    named = {HOUSEHOLD: (Subject(IDENTITY_SCHEME, VILLE),)}
    stated = replace(about(AINO, fact(HOUSEHOLD, 2)), also_about=named)
    assert handed_in(ledger, vault, stated, about(VILLE, fact())) == [Outcome.KEPT] * 2
    assert count(ledger, "person") == 2


def test_two_batches_at_once_take_in_each_person_once(ledger: Ledger, vault: Vault) -> None:
    start = threading.Barrier(4)
    outcomes: list[Outcome] = []

    def run() -> None:
        start.wait()
        stated = [about(each, fact()) for each in (AINO, VILLE)]
        outcomes.extend(handed_in(ledger, vault, *stated))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome.KEPT] * 8
    assert (count(ledger, "person"), count(ledger, "record")) == (2, 2)
    assert count(ledger, "record_version") == 8


def test_who_is_gone_while_we_wait_is_unknown(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    """The identifier still leads to a person whose keys are destroyed."""
    with ledger.writer.unaccounted_transaction() as connection:
        connection.execute(tables.person_key.delete())
        connection.execute(tables.person.delete())
    assert handed_in(ledger, vault, about(AINO, fact())) == [Outcome.UNKNOWN_PERSON]


def test_a_record_that_does_not_move_stops_the_batch(ledger: Ledger, vault: Vault) -> None:
    handed_in(ledger, vault, about(AINO, fact()))
    with ledger.engine.begin() as connection:
        for statement in STUCK[ledger.engine.dialect.name]:
            connection.execute(text(statement))
    with pytest.raises(ConcurrentDepositError):
        handed_in(ledger, vault, about(AINO, fact()))
    assert count(ledger, "record_version") == 1
