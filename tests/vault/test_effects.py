"""What this room tells the completeness check."""

import pytest
from sqlalchemy import text

from audit.check_report import Gap
from audit.completeness import check
from audit.unit_of_work import Ledger
from policies.ids import PersonId
from tests.unguarded import unguard
from tests.vault.given import NOW, deposited, fact
from vault.effects import EFFECTS
from vault.store.tables import metadata
from vault.vault import Vault


@pytest.fixture
def held(ledger: Ledger, vault: Vault, person: PersonId) -> Ledger:
    deposited(ledger, vault, person, fact())
    return ledger


def gaps(ledger: Ledger) -> set[Gap]:
    return {each.gap for each in check(ledger, [EFFECTS], now=NOW).findings}


def test_every_table_that_refers_to_an_event_is_listed() -> None:
    with_event = {each for each in metadata.sorted_tables if "audit_event_id" in each.columns}
    assert {each.table for each in EFFECTS.tables} == with_event


def test_a_deposit_follows_from_its_event_and_may_be_erased(held: Ledger) -> None:
    assert gaps(held) == set()
    with held.engine.begin() as connection:
        connection.execute(text("DELETE FROM vault_record_version"))
        connection.execute(text("DELETE FROM vault_deposit"))
    assert gaps(held) == set()


@pytest.mark.parametrize("table", ["vault_person", "vault_deposit"])
def test_a_row_that_no_event_explains_is_found(held: Ledger, table: str) -> None:
    with held.engine.begin() as connection:
        unguard(connection, "audit_event")
        kind = {"vault_person": "person.created", "vault_deposit": "data.deposited"}[table]
        numbers = "SELECT number FROM audit_search WHERE kind = :kind"
        connection.execute(
            text(f"DELETE FROM audit_event WHERE number IN ({numbers})"), {"kind": kind}
        )
    assert Gap.EFFECT_WITHOUT_EVENT in gaps(held)


def test_a_row_that_was_given_another_event_is_found(held: Ledger) -> None:
    with held.engine.begin() as connection:
        unguard(connection, "vault_deposit")
        connection.execute(
            text(
                "UPDATE vault_deposit SET audit_event_id = (SELECT audit_event_id"
                " FROM vault_person LIMIT 1)"
            )
        )
    assert gaps(held) == {Gap.EFFECT_OF_ANOTHER_KIND}
