"""A release that a law keeps back for a while: in nobody's log before that, by no way round."""

from dataclasses import replace
from datetime import timedelta

import pytest

from audit.model import SYSTEM, Actor, Entry, Kind
from audit.own_log import own_entries
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from tests.consent.flow import HOUSEHOLD
from tests.vault.given import GROSS, NOW, TAX, VILLE, deposited, fact, permit
from vault.disputes import dispute
from vault.model import DisputeReason
from vault.people import IDENTITY_SCHEME, enrol
from vault.release import release
from vault.vault import Vault

SEEN = NOW + timedelta(days=30)


@pytest.fixture
def spouse(ledger: Ledger, vault: Vault) -> PersonId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)


def kept_back(ledger: Ledger, vault: Vault, person: PersonId, *, law: bool = True) -> None:
    """An authority gets income and household by law."""
    later = SEEN if law else None
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        release(uow, vault, permit(uow, person, (GROSS, HOUSEHOLD), visible_from=later))


def seen(ledger: Ledger, person: PersonId, kind: Kind, days: int) -> int:
    with ledger.read() as connection:
        now = NOW + timedelta(days=days)
        found = own_entries(connection, ledger, person, now=now, kinds=[kind])
    return sum(isinstance(each, Entry) for each in found)


def test_neither_the_person_nor_who_else_it_is_about_sees_it_before(
    ledger: Ledger, vault: Vault, person: PersonId, spouse: PersonId
) -> None:
    deposited(ledger, vault, person, replace(fact(HOUSEHOLD, 2), also_about=frozenset({spouse})))
    kept_back(ledger, vault, person)
    for each in (person, spouse):
        assert seen(ledger, each, Kind.DATA_RELEASED, 29) == 0
        assert seen(ledger, each, Kind.DATA_RELEASED, 30) == 1


@pytest.mark.parametrize(("law", "at_once"), [(True, 0), (False, 1)])
def test_that_its_recipient_is_told_of_a_dispute_does_not_betray_it(
    ledger: Ledger, vault: Vault, person: PersonId, law: bool, at_once: int
) -> None:
    deposited(ledger, vault, person, fact())
    kept_back(ledger, vault, person, law=law)
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        dispute(uow, vault, person, attribute=GROSS, source=TAX, reason=DisputeReason.WRONG)
    assert seen(ledger, person, Kind.RECIPIENT_TOLD, 0) == at_once
    assert seen(ledger, person, Kind.RECIPIENT_TOLD, 30) == 1
