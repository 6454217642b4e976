"""Records as they are stored: the bytes that were hashed, linked, and not to be changed."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from audit.unit_of_work import Ledger
from consent.model import Consent, Status
from consent.reading import consent, consents_of, record, records_of, requests_waiting
from consent.store import tables
from policies.canonical import canonical_json
from policies.ids import ConsentId, PersonId
from tests.consent.flow import NOW, Flow


def test_a_record_is_stored_as_the_bytes_that_were_hashed(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    flow.withdraw(given)
    with ledger.read() as connection:
        versions = records_of(connection, given.record.consent)
    assert [each.version for each in versions] == [1, 2]
    for each in versions:
        assert hashlib.sha256(each.document).hexdigest() == each.digest
        assert canonical_json(each.content) == each.document


@pytest.mark.parametrize("table", [tables.purpose, tables.record], ids=lambda table: table.name)
@pytest.mark.parametrize("change", [delete, lambda table: update(table).values(version=9)])
def test_what_was_agreed_can_be_neither_changed_nor_deleted(
    ledger: Ledger, table: Any, change: Any
) -> None:
    Flow(ledger).given()
    with pytest.raises(DBAPIError, match="insert-only"), ledger.engine.begin() as connection:
        connection.execute(change(table))


def test_one_version_of_a_record_is_found(ledger: Ledger) -> None:
    given = Flow(ledger).given()
    with ledger.read() as connection:
        assert record(connection, given.record.consent, 1) == given.record
        assert record(connection, given.record.consent, 2) is None


def test_nothing_is_found_for_nobody(ledger: Ledger) -> None:
    flow = Flow(ledger)
    flow.given()
    nobody = flow.person()
    with ledger.read() as connection:
        assert consents_of(connection, nobody) == []
        assert consent(connection, ConsentId(nobody)) is None
        assert records_of(connection, ConsentId(nobody)) == []


def test_consents_are_listed_newest_first_and_by_status(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    waiting = flow.open(given.person, now=NOW + timedelta(seconds=1))
    with ledger.read() as connection:
        everything = consents_of(connection, given.person)
        active = consents_of(connection, given.person, {Status.ACTIVE})
        assert requests_waiting(connection, given.person) == [waiting]
    assert [each.id for each in everything] == [waiting.id, given.record.consent]
    assert [each.id for each in active] == [given.record.consent]


@pytest.mark.parametrize("apart", [0, 1], ids=["in one moment", "one after another"])
def test_pages_of_consents_hold_each_once_in_the_order_of_the_list(
    ledger: Ledger, apart: int
) -> None:
    flow = Flow(ledger)
    person = flow.person()
    for second in range(5):
        flow.open(person, now=NOW + timedelta(seconds=second * apart))
    with ledger.read() as connection:
        everything = consents_of(connection, person)
        found: list[Consent] = []
        while page := consents_of(connection, person, after=found[-1] if found else None, limit=2):
            assert len(page) <= 2
            found += page
    assert found == everything
    assert len(found) == 5


def test_a_request_waits_for_its_person_only(ledger: Ledger) -> None:
    flow = Flow(ledger)
    flow.open(flow.person())
    with ledger.read() as connection:
        assert requests_waiting(connection, PersonId(flow.session)) == []
