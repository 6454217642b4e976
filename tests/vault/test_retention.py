"""Values whose time is over go by the catalogue's rule; what is disputed or protects her stays."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from audit.completeness import check
from audit.model import SYSTEM, Actor, Kind
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from policies.facts import Fact
from policies.ids import AttributeId, PersonId
from policies.vocabulary import Label
from tests.vault.erasing import rows, wrapped_keys
from tests.vault.given import (
    CITY,
    EARLIER,
    GLUCOSE,
    GROSS,
    INCOME,
    MUNICIPALITY,
    NOW,
    VILLE,
    document,
    fact,
    viewed,
)
from vault.deposits import deposit
from vault.effects import EFFECTS
from vault.erasure import Request, erase_person, renew_key
from vault.people import IDENTITY_SCHEME, enrol
from vault.retention import due, expire
from vault.sealed_check import differing_deposits
from vault.vault import Vault

DAYS = timedelta(days=1825)
HISTORY = timedelta(days=1095)
OVER = EARLIER + DAYS
MOMENT = timedelta(microseconds=1)


def keep(ledger: Ledger, vault: Vault, person: PersonId, *facts: Fact, at: datetime = NOW) -> None:
    with begin(ledger, actor=SYSTEM, now=at) as uow:
        deposit(uow, vault, person, document(*facts))


def expired(
    ledger: Ledger, vault: Vault, person: PersonId, now: datetime
) -> tuple[AttributeId, ...]:
    with begin(ledger, actor=SYSTEM, now=now, about=person) as uow:
        return expire(uow, vault, person)


def waiting(
    ledger: Ledger,
    vault: Vault,
    now: datetime,
    *,
    after: PersonId | None = None,
    limit: int = 10,
) -> list[PersonId]:
    with ledger.read(EVERYONE) as connection:
        return due(connection, vault, now=now, after=after, limit=limit)


def test_the_catalogue_says_when_the_tests_data_is_over(vault: Vault) -> None:
    retention = vault.catalogue.dataset(INCOME).retention
    assert timedelta(days=retention.days) == DAYS
    assert timedelta(days=retention.history_days) == HISTORY


def test_a_value_goes_when_its_time_is_over_and_not_before(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    keep(ledger, vault, person, fact())
    assert waiting(ledger, vault, OVER - MOMENT) == []
    assert expired(ledger, vault, person, OVER - MOMENT) == ()
    assert viewed(ledger, vault, person, GROSS).facts
    assert waiting(ledger, vault, OVER) == [person]
    assert expired(ledger, vault, person, OVER) == (GROSS,)
    assert viewed(ledger, vault, person, GROSS).facts == ()
    assert waiting(ledger, vault, OVER) == []
    assert {"vault_record", "vault_record_version", "vault_deposit"}.isdisjoint(
        rows(ledger, person)
    )
    with ledger.read() as connection:
        [entry] = entries_about(connection, ledger, person, kinds=[Kind.DATA_EXPIRED])
    assert entry.many("attributes") == (GROSS,)


def test_a_value_that_is_valid_for_longer_is_kept_for_longer(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    ends = date(2030, 1, 1)
    keep(ledger, vault, person, replace(fact(), valid_to=ends))
    last = datetime(2030, 1, 1, 12, tzinfo=NOW.tzinfo) + DAYS
    assert waiting(ledger, vault, last) == []
    assert expired(ledger, vault, person, last) == ()
    assert waiting(ledger, vault, last + timedelta(days=1)) == [person]
    assert expired(ledger, vault, person, last + timedelta(days=1)) == (GROSS,)


def test_a_replaced_value_goes_earlier_and_the_one_that_counts_stays(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    keep(ledger, vault, person, fact())
    later = NOW + timedelta(days=100)
    keep(ledger, vault, person, replace(fact(value=1), observed_at=later), at=later)
    over = NOW + HISTORY
    assert waiting(ledger, vault, over - MOMENT) == []
    assert expired(ledger, vault, person, over - MOMENT) == ()
    assert waiting(ledger, vault, over) == [person]
    assert expired(ledger, vault, person, over) == (GROSS,)
    [left] = viewed(ledger, vault, person, GROSS).facts
    assert left.value == 1
    assert rows(ledger, person)["vault_record_version"] == 1
    assert rows(ledger, person)["vault_deposit"] == 1


def test_of_a_document_what_is_left_is_still_what_the_log_says(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    keep(ledger, vault, person, fact(), fact(AttributeId("income.employer"), "Oy"))
    later = NOW + timedelta(days=100)
    keep(ledger, vault, person, replace(fact(value=1), observed_at=later), at=later)
    assert expired(ledger, vault, person, NOW + HISTORY) == (GROSS,)
    with ledger.read(person) as connection:
        assert differing_deposits(connection, ledger, person) == []
    assert check(ledger, [EFFECTS], now=NOW).findings == ()


def test_another_data_set_has_its_own_time(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    keep(ledger, vault, person, fact())
    keep(ledger, vault, person, fact(GLUCOSE, 64))
    retention = vault.catalogue.dataset(vault.catalogue.attribute(GLUCOSE).dataset).retention
    assert expired(ledger, vault, person, EARLIER + timedelta(days=retention.days)) == (GLUCOSE,)
    assert viewed(ledger, vault, person, GROSS).facts


@pytest.mark.parametrize("flag", ["disputed", "restricted"])
def test_what_is_disputed_or_restricted_stays(
    ledger: Ledger, vault: Vault, person: PersonId, flag: str
) -> None:
    keep(ledger, vault, person, fact())
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE vault_record SET {flag} = true")
    assert waiting(ledger, vault, OVER) == []
    assert expired(ledger, vault, person, OVER) == ()
    assert viewed(ledger, vault, person, GROSS).facts


def test_the_mark_that_protects_her_stays_while_other_data_tells_where_she_is(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    secret = replace(fact(CITY, "Esimerkkilä"), labels=frozenset({Label.PROTECTED}))
    keep(ledger, vault, person, secret)
    keep(ledger, vault, person, fact(MUNICIPALITY, "091"))
    over = EARLIER + timedelta(days=1825)
    assert waiting(ledger, vault, over) == [person]
    assert expired(ledger, vault, person, over) == ()
    assert viewed(ledger, vault, person, CITY).facts
    much_later = EARLIER + timedelta(days=3650)
    assert expired(ledger, vault, person, much_later) == (MUNICIPALITY, CITY)


def test_a_clock_that_is_behind_gives_a_new_key_all_the_same(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    """The key is newer than the night by the clock of another machine."""
    keep(ledger, vault, person, fact())
    keep(ledger, vault, person, fact(MUNICIPALITY, "091"))
    with begin(ledger, actor=SYSTEM, now=OVER + timedelta(days=1), about=person) as uow:
        renew_key(uow, vault, person)
    before = wrapped_keys(ledger, person)
    assert expired(ledger, vault, person, OVER) == (GROSS,)
    assert viewed(ledger, vault, person, MUNICIPALITY).facts
    assert len(wrapped_keys(ledger, person)) == 1
    assert before.isdisjoint(wrapped_keys(ledger, person))


def test_people_come_in_pages(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    for each in (person, other):
        keep(ledger, vault, each, fact(), fact(AttributeId("income.employer"), "Oy"))
    first, second = sorted([person, other])
    assert waiting(ledger, vault, OVER, limit=1) == [first]
    assert waiting(ledger, vault, OVER, after=first) == [second]
    assert waiting(ledger, vault, OVER, after=second) == []


def test_of_somebody_who_was_erased_meanwhile_nothing_is_over(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    keep(ledger, vault, person, fact())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        erase_person(uow, vault, person, Request.by_wish())
    assert expired(ledger, vault, person, OVER) == ()
