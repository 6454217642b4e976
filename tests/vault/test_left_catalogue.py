"""What has left the catalogue: no purpose asks for it, so it goes, and it holds up nothing else."""

from copy import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from audit.completeness import check
from audit.model import SYSTEM, Actor, Kind
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from policies.catalogue import Catalogue
from policies.erasure import WhyKept
from policies.ids import AttributeId, DatasetId, PersonId
from policies.vocabulary import Label
from tests.vault.erasing import rows
from tests.vault.given import (
    CITY,
    EARLIER,
    EMPLOYER,
    GLUCOSE,
    GROSS,
    INCOME,
    MUNICIPALITY,
    NOW,
    deposited,
    fact,
    viewed,
)
from vault.effects import EFFECTS
from vault.erasure import Request, erase_dataset, erase_person, may_erase
from vault.retention import due, expire
from vault.vault import Vault

INCOME_OVER = EARLIER + timedelta(days=1825)


def with_catalogue(vault: Vault, catalogue: Catalogue) -> Vault:
    """The same vault, once the catalogue is another one."""
    other = copy(vault)
    other.catalogue = catalogue
    return other


def without_dataset(catalogue: Catalogue, *gone: DatasetId) -> Catalogue:
    """The catalogue without these data sets and what they hold."""
    attributes = {a: each for a, each in catalogue.attributes.items() if each.dataset not in gone}
    datasets = {d: each for d, each in catalogue.datasets.items() if d not in gone}
    return replace(catalogue, attributes=attributes, datasets=datasets)


def without_attribute(catalogue: Catalogue, gone: AttributeId) -> Catalogue:
    """The catalogue with a data set that holds one attribute less."""
    dataset = catalogue.dataset_of(gone)
    less = replace(dataset, attributes=tuple(a for a in dataset.attributes if a != gone))
    attributes = {a: each for a, each in catalogue.attributes.items() if a != gone}
    return replace(
        catalogue, attributes=attributes, datasets={**catalogue.datasets, dataset.id: less}
    )


def waiting(ledger: Ledger, vault: Vault) -> list[PersonId]:
    with ledger.read(EVERYONE) as connection:
        return due(connection, vault, now=NOW, after=None, limit=10)


def expired(ledger: Ledger, vault: Vault, who: PersonId) -> tuple[AttributeId, ...]:
    with begin(ledger, actor=SYSTEM, now=NOW, about=who) as uow:
        return expire(uow, vault, who)


@pytest.fixture
def held(ledger: Ledger, vault: Vault, person: PersonId) -> PersonId:
    """The person, when two data sets of hers are kept."""
    deposited(ledger, vault, person, fact())
    deposited(ledger, vault, person, fact(GLUCOSE, 64))
    return person


@pytest.fixture
def left(ledger: Ledger, vault: Vault, held: PersonId) -> Vault:
    """The vault, once glucose is in the catalogue no more; the person holds some."""
    assert rows(ledger, held)["vault_record"] == 2
    dataset = vault.catalogue.attribute(GLUCOSE).dataset
    return with_catalogue(vault, without_dataset(vault.catalogue, dataset))


def test_a_data_set_that_has_left_goes_and_the_rest_stays(
    ledger: Ledger, vault: Vault, held: PersonId, left: Vault
) -> None:
    assert waiting(ledger, vault) == []
    assert waiting(ledger, left) == [held]
    assert expired(ledger, left, held) == (GLUCOSE,)
    assert waiting(ledger, left) == []
    assert viewed(ledger, vault, held, GLUCOSE).facts == ()
    assert viewed(ledger, left, held, GROSS).facts
    with ledger.read() as connection:
        [entry] = entries_about(connection, ledger, held, kinds=[Kind.DATA_EXPIRED])
    assert entry.many("attributes") == (GLUCOSE,)
    assert check(ledger, [EFFECTS], now=NOW).findings == ()


def test_an_attribute_that_has_left_goes_with_its_history(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    deposited(ledger, vault, held, fact(EMPLOYER, "Oy"))
    deposited(ledger, vault, held, fact(EMPLOYER, "Oyj"))
    left = with_catalogue(vault, without_attribute(vault.catalogue, EMPLOYER))
    assert waiting(ledger, left) == [held]
    assert expired(ledger, left, held) == (EMPLOYER,)
    assert viewed(ledger, vault, held, EMPLOYER, GROSS).facts[0].attribute == GROSS
    assert rows(ledger, held)["vault_record"] == 2


def test_what_has_left_does_not_hold_up_what_is_over(
    ledger: Ledger, held: PersonId, left: Vault
) -> None:
    with begin(ledger, actor=SYSTEM, now=INCOME_OVER, about=held) as uow:
        assert expire(uow, left, held) == (GLUCOSE, GROSS)
    assert "vault_record" not in rows(ledger, held)


@pytest.mark.parametrize("flag", ["disputed", "restricted"])
def test_what_has_left_stays_while_it_is_disputed_or_restricted(
    ledger: Ledger, vault: Vault, held: PersonId, left: Vault, flag: str
) -> None:
    deposited(ledger, vault, held, fact(GLUCOSE, 70))
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE vault_record SET {flag} = true")
    assert waiting(ledger, left) == []
    assert expired(ledger, left, held) == ()
    assert len(viewed(ledger, vault, held, GLUCOSE, GROSS).facts) == 2


def test_a_mark_that_protects_her_stays_although_what_it_stands_at_has_left(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    secret = frozenset({Label.PROTECTED})
    deposited(ledger, vault, person, replace(fact(MUNICIPALITY, "091"), labels=secret))
    deposited(ledger, vault, person, replace(fact(MUNICIPALITY, "049"), labels=secret))
    deposited(ledger, vault, person, fact(CITY, "Esimerkkilä"))
    dataset = vault.catalogue.attribute(MUNICIPALITY).dataset
    left = with_catalogue(vault, without_dataset(vault.catalogue, dataset))
    assert expired(ledger, left, person) == (MUNICIPALITY,)  # the value before, not the mark
    assert rows(ledger, person)["vault_record_version"] == 2
    assert expired(ledger, left, person) == ()
    with begin(ledger, actor=SYSTEM, now=INCOME_OVER, about=person) as uow:
        assert set(expire(uow, left, person)) == {MUNICIPALITY, CITY}


def test_a_person_who_holds_what_has_left_can_have_everything_erased(
    ledger: Ledger, held: PersonId, left: Vault
) -> None:
    with ledger.read(held) as connection:
        assert may_erase(connection, left, held) == {INCOME: None}
    with begin(ledger, actor=Actor.person(held), now=NOW) as uow:
        assert erase_person(uow, left, held, Request.by_wish()).whole
    assert rows(ledger, held) == {"vault_erasure": 1}
    assert check(ledger, [EFFECTS], now=NOW).findings == ()


def test_one_data_set_can_be_erased_beside_what_has_left(
    ledger: Ledger, vault: Vault, held: PersonId, left: Vault
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW, about=held) as uow:
        erase_dataset(uow, left, held, INCOME, Request.by_wish())
    assert viewed(ledger, vault, held, GROSS).facts == ()
    assert viewed(ledger, vault, held, GLUCOSE).facts
    assert WhyKept.BY_LAW not in may_erase_of(ledger, left, held)


def may_erase_of(ledger: Ledger, vault: Vault, who: PersonId) -> set[WhyKept | None]:
    with ledger.read(who) as connection:
        return set(may_erase(connection, vault, who).values())


def test_where_everything_has_left_nothing_is_kept(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    nothing = without_dataset(vault.catalogue, *vault.catalogue.datasets)
    left = with_catalogue(vault, nothing)
    assert waiting(ledger, left) == [held]
    assert set(expired(ledger, left, held)) == {GLUCOSE, GROSS}
    assert "vault_record" not in rows(ledger, held)
