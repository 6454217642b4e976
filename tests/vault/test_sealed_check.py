"""Whoever changes sealed records past us is found by the completeness check."""

from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from audit.check_report import Gap
from audit.completeness import check
from audit.model import SYSTEM
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId
from tests.unguarded import unguard
from tests.vault.given import GROSS, NOW, deposited, fact
from vault.effects import EFFECTS
from vault.erasure import renew_key
from vault.sealed_check import differing_deposits, people_after
from vault.store.tables import deposit, resealed, version
from vault.vault import Vault


@pytest.fixture
def deposits(ledger: Ledger, vault: Vault, person: PersonId) -> list[UUID]:
    """Two of the person's, in the order in which they came."""
    for value in (1, 2):
        deposited(ledger, vault, person, fact(GROSS, value))
    query = select(version.c.deposit_id).order_by(version.c.version)
    with ledger.read(EVERYONE) as connection:
        return list(connection.execute(query).scalars())


def places(ledger: Ledger) -> list[str]:
    findings = check(ledger, [EFFECTS], now=NOW).findings
    return [each.place for each in findings if each.gap is Gap.SEALED_DIFFERS]


def renew(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW, about=person) as uow:
        renew_key(uow, vault, person)


@pytest.mark.parametrize("renewed", [False, True])
def test_what_was_kept_as_it_came_is_in_order(
    ledger: Ledger, vault: Vault, person: PersonId, deposits: list[UUID], *, renewed: bool
) -> None:
    assert len(deposits) == 2
    if renewed:
        renew(ledger, vault, person)
    assert places(ledger) == []


@pytest.mark.parametrize("renewed", [False, True])
def test_a_version_that_was_changed_is_found(
    ledger: Ledger, vault: Vault, person: PersonId, deposits: list[UUID], *, renewed: bool
) -> None:
    if renewed:
        renew(ledger, vault, person)
    with ledger.engine.begin() as connection:
        unguard(connection, "vault_record_version")
        changed = update(version).where(version.c.version == 1).values(sealed=b"\x01other")
        assert connection.execute(changed).rowcount == 1
    assert places(ledger) == [f"deposit {deposits[0]}"]


def test_a_deposit_whose_versions_are_gone_is_found(ledger: Ledger, deposits: list[UUID]) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(delete(version).where(version.c.deposit_id == deposits[1]))
    assert places(ledger) == [f"deposit {deposits[1]}"]


def test_a_digest_that_was_changed_beside_its_deposit_is_found(
    ledger: Ledger, vault: Vault, person: PersonId, deposits: list[UUID]
) -> None:
    """All that one event of sealing anew speaks of is in doubt then."""
    renew(ledger, vault, person)
    with ledger.engine.begin() as connection:
        unguard(connection, "vault_resealed")
        changed = update(resealed).where(resealed.c.deposit_id == deposits[0])
        assert connection.execute(changed.values(digest=bytes(32))).rowcount == 1
    assert sorted(places(ledger)) == sorted(f"deposit {each}" for each in deposits)


def test_a_deposit_without_an_event_is_for_another_check(
    ledger: Ledger, person: PersonId, deposits: list[UUID]
) -> None:
    with ledger.engine.begin() as connection:
        unguard(connection, "vault_deposit")
        nowhere = update(deposit).where(deposit.c.deposit_id == deposits[0])
        connection.execute(nowhere.values(audit_event_id=UUID(int=404)))
    with ledger.read(person) as connection:
        assert differing_deposits(connection, ledger, person) == []
    gaps = {each.gap for each in check(ledger, [EFFECTS], now=NOW).findings}
    assert gaps == {Gap.EFFECT_WITHOUT_EVENT}


def test_people_come_in_pages_by_their_ids(ledger: Ledger, person: PersonId) -> None:
    with ledger.read(EVERYONE) as connection:
        assert people_after(connection, None, 10) == [((person,), person)]
        assert people_after(connection, (person,), 10) == []
        assert people_after(connection, None, 0) == []
