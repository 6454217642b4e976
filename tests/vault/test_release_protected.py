"""A protected person: where she is to be found is told to authorities by law only."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from audit.model import SYSTEM, Entry
from audit.reader import entry
from audit.unit_of_work import Ledger, begin
from policies.ids import EventId, OrganisationId, PersonId
from policies.vocabulary import Label, LegalBasis
from tests.unguarded import unguard
from tests.vault.given import (
    BANK,
    CITY,
    EARLIER,
    HOUSEHOLD,
    KELA,
    MUNICIPALITY,
    NOW,
    STREET,
    TAX,
    VILLE,
    deposited,
    fact,
    permit,
    released,
    viewed,
)
from vault.people import IDENTITY_SCHEME, enrol
from vault.release import release
from vault.store import tables
from vault.vault import Vault

ADDRESS = replace(fact(STREET, "Esimerkkikatu 1 A 2"), labels=frozenset({Label.PROTECTED}))


def logged(ledger: Ledger, event_id: EventId) -> Entry:
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("organisation", "basis"),
    [
        (BANK, LegalBasis.CONSENT),
        (BANK, LegalBasis.STATUTE),
        (KELA, LegalBasis.CONSENT),
        (KELA, LegalBasis.PERMISSION),
        (KELA, LegalBasis.REQUEST),
        (KELA, LegalBasis.CONTRACT),
        (KELA, LegalBasis.VITAL),
        (None, LegalBasis.STATUTE),
    ],
)
def test_a_protected_persons_value_is_withheld(
    ledger: Ledger,
    vault: Vault,
    person: PersonId,
    organisation: OrganisationId | None,
    basis: LegalBasis,
) -> None:
    deposited(ledger, vault, person, ADDRESS, fact(HOUSEHOLD, 2))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        given = permit(uow, person, [STREET, HOUSEHOLD], organisation=organisation, basis=basis)
        got = release(uow, vault, given)
    assert got.withheld == (STREET,)
    assert got.not_held == ()
    assert [one.attribute for one in got.facts] == [HOUSEHOLD]
    happened = logged(ledger, got.event_id)
    assert happened.many("attributes") == (HOUSEHOLD,)
    assert happened.get("reason") == "protected-withheld"


def test_an_authority_by_law_gets_a_protected_persons_value(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS)
    got = released(ledger, vault, person, STREET, basis=LegalBasis.STATUTE)
    assert got.facts == (ADDRESS,)


def test_a_protected_person_sees_her_own_value(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS)
    assert viewed(ledger, vault, person, STREET).facts == (ADDRESS,)


def test_a_second_source_without_the_mark_is_no_way_around_it(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS)
    unmarked = replace(fact(STREET, "Esimerkkikatu 1", TAX), observed_at=NOW)
    deposited(ledger, vault, person, unmarked)
    got = released(ledger, vault, person, STREET, basis=LegalBasis.PERMISSION)
    assert (got.facts, got.withheld) == ((), (STREET,))


def test_an_old_address_is_withheld_once_the_person_is_marked_anywhere(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    unmarked = replace(ADDRESS, labels=frozenset())
    deposited(ledger, vault, person, unmarked, fact(HOUSEHOLD, 2))
    town = fact(MUNICIPALITY, "Esimerkkilä")
    deposited(ledger, vault, person, replace(town, labels=frozenset({Label.PROTECTED})))
    got = released(ledger, vault, person, STREET, HOUSEHOLD, basis=LegalBasis.PERMISSION)
    assert got.withheld == (STREET,)
    assert [one.attribute for one in got.facts] == [HOUSEHOLD]
    assert viewed(ledger, vault, person, STREET).facts == (unmarked,)


def test_an_address_is_released_again_when_the_protection_has_ended(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS)
    ended = replace(ADDRESS, labels=frozenset(), observed_at=NOW)
    deposited(ledger, vault, person, ended)
    got = released(ledger, vault, person, STREET, basis=LegalBasis.PERMISSION)
    assert got.facts == (ended,)


def test_an_older_unmarked_address_that_comes_late_does_not_end_the_protection(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    town = replace(fact(MUNICIPALITY, "A"), labels=frozenset({Label.PROTECTED}))
    deposited(ledger, vault, person, town)
    late = replace(town, labels=frozenset(), observed_at=EARLIER - timedelta(days=9))
    deposited(ledger, vault, person, late)
    deposited(ledger, vault, person, fact(CITY, "B"))
    got = released(ledger, vault, person, CITY, basis=LegalBasis.CONSENT)
    assert got.withheld == (CITY,)


def test_another_persons_protection_withholds_nothing(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    deposited(ledger, vault, other, ADDRESS)
    deposited(ledger, vault, person, fact(CITY, "B"))
    got = released(ledger, vault, person, CITY, basis=LegalBasis.CONSENT)
    assert got.facts == (fact(CITY, "B"),)


def test_a_mark_that_was_taken_off_in_the_table_still_counts(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, ADDRESS, fact(CITY, "Esimerkkilä"))
    with ledger.engine.begin() as connection:
        unguard(connection, tables.version.name)
        connection.execute(update(tables.version).values(labels="", authority=0))
        connection.execute(update(tables.record).values(protected=False))
    got = released(ledger, vault, person, STREET, CITY, basis=LegalBasis.PERMISSION)
    assert got.withheld == (STREET, CITY)
