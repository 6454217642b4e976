"""What is held is told without a value, and without opening anything."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from audit.unit_of_work import Ledger
from policies.ids import PersonId
from policies.vocabulary import AuthorityRank
from tests.vault.given import (
    EARLIER,
    EMPLOYER,
    GROSS,
    INCOME,
    NOW,
    POPULATION,
    RESIDENCE,
    STREET,
    TAX,
    deposited,
    fact,
    released,
)
from vault.holdings import describe
from vault.model import Holding
from vault.vault import Vault


def held(ledger: Ledger, person: PersonId) -> list[Holding]:
    with ledger.read() as connection:
        return describe(connection, person)


def test_nothing_is_held_about_a_new_person(ledger: Ledger, person: PersonId) -> None:
    assert held(ledger, person) == []


def test_nothing_is_held_about_nobody(ledger: Ledger) -> None:
    assert held(ledger, PersonId(UUID(int=404))) == []


def test_each_attribute_is_told_with_its_provenance(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(STREET, "Esimerkkikatu 1"))
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"))
    register = AuthorityRank.AUTHORITATIVE_REGISTER
    assert held(ledger, person) == [
        Holding(INCOME, EMPLOYER, TAX, register, EARLIER, None, frozenset(), 1),
        Holding(INCOME, GROSS, TAX, register, EARLIER, None, frozenset(), 1),
        Holding(RESIDENCE, STREET, POPULATION, register, EARLIER, None, frozenset(), 1),
    ]


def test_both_of_two_sources_stand_there_and_the_first_is_the_one_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    by_rank = replace(
        fact(EMPLOYER, "A", POPULATION), authority=AuthorityRank.INFERRED, observed_at=NOW
    )
    by_age = replace(fact(GROSS, 1, POPULATION), observed_at=EARLIER + timedelta(hours=1))
    by_name = fact(GROSS, 2)
    deposited(ledger, vault, person, by_name, fact(EMPLOYER, "B"))
    deposited(ledger, vault, person, by_age, by_rank)
    told = held(ledger, person)
    assert [(one.attribute, one.source) for one in told] == [
        (EMPLOYER, TAX),
        (EMPLOYER, POPULATION),
        (GROSS, POPULATION),
        (GROSS, TAX),
    ]
    got = released(ledger, vault, person, EMPLOYER, GROSS)
    assert [one.source for one in got.facts] == [told[0].source, told[2].source]


def test_equal_sources_stand_in_the_order_of_release(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(GROSS, 1, POPULATION))
    deposited(ledger, vault, person, fact(GROSS, 2, TAX))
    (one,) = released(ledger, vault, person, GROSS).facts
    assert one.source == held(ledger, person)[0].source
