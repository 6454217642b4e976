"""Release: what the permit permits, no more, and never without its event."""

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, select
from sqlalchemy import event as sqlalchemy_event

from audit.model import SYSTEM, Actor, Entry, Kind
from audit.reader import entries_about, entry
from audit.unit_of_work import Ledger, begin
from consent.decisions import PermitElsewhereError, decide_self_access
from policies.ids import EventId, PersonId
from policies.vocabulary import AuthorityRank, Label
from tests.vault.given import (
    EARLIER,
    EMPLOYER,
    GROSS,
    NOW,
    PAID,
    POPULATION,
    VILLE,
    deposited,
    fact,
    new_vault,
    permit,
    released,
    viewed,
)
from vault.envelope import (
    MisplacedError,
)
from vault.people import IDENTITY_SCHEME, enrol
from vault.release import release
from vault.store import tables
from vault.vault import Vault


def logged(ledger: Ledger, event_id: EventId) -> Entry:
    with ledger.read() as connection:
        found = entry(connection, ledger, event_id)
    assert found is not None
    return found


def test_only_the_permitted_attributes_are_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"), fact(PAID, "2026-10-31"))
    got = released(ledger, vault, person, PAID, GROSS)
    assert got.facts == (fact(PAID, "2026-10-31"), fact())
    assert (got.not_held, got.withheld) == ((), ())


def test_what_is_not_held_is_reported_so(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    deposited(ledger, vault, person, fact())
    got = released(ledger, vault, person, EMPLOYER, GROSS, PAID)
    assert got.facts == (fact(),)
    assert got.not_held == (EMPLOYER, PAID)


def test_an_attribute_named_twice_is_released_once(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    assert released(ledger, vault, person, GROSS, GROSS).facts == (fact(),)


def test_another_persons_values_are_never_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    deposited(ledger, vault, person, fact())
    assert released(ledger, vault, other, GROSS).not_held == (GROSS,)


def test_a_release_is_one_event_with_all_that_explains_it(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    happened = logged(ledger, released(ledger, vault, person, GROSS, EMPLOYER).event_id)
    assert happened.kind is Kind.DATA_RELEASED
    assert happened.subject == person
    assert happened.many("attributes") == (GROSS,)
    told = {name: happened.get(name) for name in ("organisation", "client", "purpose", "basis")}
    assert told == {
        "organisation": "kela",
        "client": "client-1",
        "purpose": "kela-income-check",
        "basis": "statute",
    }
    assert happened.get("consent") == f"{UUID(int=7)}@2"
    assert happened.get("case") == "A-1"
    assert happened.get("reason") is None
    with ledger.read() as connection:
        kinds = [Kind.DATA_RELEASED, Kind.DATA_VIEWED]
        assert len(entries_about(connection, ledger, person, kinds=kinds)) == 1


def test_a_release_of_nothing_is_an_event_too(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    happened = logged(ledger, released(ledger, vault, person, GROSS).event_id)
    assert happened.kind is Kind.DATA_RELEASED
    assert happened.many("attributes") == ()
    assert happened.get("reason") == "nothing-held"


def test_the_persons_own_view_is_recorded_as_viewed(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    got = viewed(ledger, vault, person, GROSS)
    assert got.facts == (fact(),)
    happened = logged(ledger, got.event_id)
    assert happened.kind is Kind.DATA_VIEWED
    assert happened.get("organisation") is None


def test_a_permit_of_another_unit_of_work_opens_nothing(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        old = decide_self_access(uow, person, [GROSS])
    with (
        pytest.raises(PermitElsewhereError),
        begin(ledger, actor=Actor.person(person), now=NOW) as uow,
    ):
        release(uow, vault, old)


def test_when_the_transaction_fails_nothing_was_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    def fail() -> None:
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            release(uow, vault, permit(uow, person, [GROSS]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with ledger.read() as connection:
        assert entries_about(connection, ledger, person, kinds=[Kind.DATA_RELEASED]) == []


def test_of_two_sources_the_one_of_higher_authority_is_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    newer = replace(
        fact(GROSS, 1, POPULATION), authority=AuthorityRank.SELF_ASSERTED, observed_at=NOW
    )
    deposited(ledger, vault, person, newer)
    assert released(ledger, vault, person, GROSS).facts == (fact(),)


def test_of_two_sources_of_one_authority_the_newer_is_released(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    newer = replace(fact(GROSS, 1, POPULATION), observed_at=EARLIER + timedelta(seconds=1))
    deposited(ledger, vault, person, newer)
    deposited(ledger, vault, person, fact())
    (given,) = released(ledger, vault, person, GROSS).facts
    assert given == replace(newer, labels=frozenset({Label.DISPUTED})), "the other one differs"


def test_without_the_key_a_value_is_not_held_any_more(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with ledger.engine.begin() as connection:
        connection.execute(tables.person_key.delete())
    assert released(ledger, vault, person, GROSS).not_held == (GROSS,)


def test_another_key_encryption_key_opens_nothing(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    with pytest.raises(MisplacedError):
        released(ledger, new_vault(), person, GROSS)


def test_values_sealed_under_two_generations_of_the_key_open_together(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    _, wrapped = vault.new_person_key(person, 2)
    with ledger.engine.begin() as connection:
        row = {"person_id": person, "version": 2, "wrapped": wrapped, "created_at": NOW}
        connection.execute(tables.person_key.insert().values(row))
        connection.execute(tables.person.update().values(key_version=2))
    deposited(ledger, vault, person, fact(EMPLOYER, "Oy"))
    with ledger.read() as connection:
        query = select(tables.version.c.key_version).order_by(tables.version.c.key_version)
        assert connection.execute(query).scalars().all() == [1, 2]
    got = released(ledger, vault, person, GROSS, EMPLOYER)
    assert got.facts == (fact(), fact(EMPLOYER, "Oy"))


def test_a_release_reads_keys_and_records_in_one_query(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    if ledger.engine.dialect.name != "sqlite":
        pytest.skip("the driver of PostgreSQL does not tell its statements")
    deposited(ledger, vault, person, fact(), fact(EMPLOYER, "Oy"), fact(PAID, "2026-10-31"))
    seen = list[str]()

    def trace(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(seen.append)

    sqlalchemy_event.listen(ledger.engine, "begin", trace)
    released(ledger, vault, person, GROSS, EMPLOYER, PAID)
    assert len([statement for statement in seen if "vault_" in statement]) == 1


def test_a_released_result_cannot_be_widened_and_shows_no_value(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    deposited(ledger, vault, person, fact(EMPLOYER, "Salainen Oy"))
    got = released(ledger, vault, person, EMPLOYER)
    assert "Salainen" not in repr(got)
    with pytest.raises(FrozenInstanceError):
        got.facts = ()  # type: ignore[misc]  # that it is frozen is the point
