"""Guarded updates meet the state that was read, or they are an error with a name.

In the room they run under a lock, so that they never fail; here they meet a row that has moved on.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from audit.unit_of_work import Ledger
from consent.model import Consent, Status
from consent.opaque import stored_digest
from consent.pushed import URN
from consent.reading import consent
from consent.store import codes, consents, pushed, tables
from consent.store.guard import ConsentChangedError
from policies.ids import ConsentId, EventId, new_uuid
from tests.consent.flow import NOW, Flow

Change = Callable[[Consent], Consent]


def _raw(ledger: Ledger, work: Callable[[Connection], None]) -> None:
    with ledger.engine.begin() as connection:
        work(connection)


def _read(ledger: Ledger, given: Consent) -> Consent:
    with ledger.read() as connection:
        found = consent(connection, given.id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "seen",
    [
        lambda now: replace(now, status=Status.DEFERRED),
        lambda now: replace(now, version=7),
        lambda now: replace(now, id=new_uuid()),
    ],
)
def test_a_change_over_another_state_than_was_read_is_an_error(
    ledger: Ledger, seen: Change
) -> None:
    flow = Flow(ledger)
    waiting = flow.open(flow.person())
    given = replace(waiting, status=Status.ACTIVE, version=1)
    with pytest.raises(ConsentChangedError):
        _raw(
            ledger,
            lambda connection: consents.change(
                connection, was=seen(waiting), now=given, event_id=EventId(new_uuid())
            ),
        )
    assert _read(ledger, waiting) == waiting


def test_a_use_is_counted_from_the_number_that_was_read(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    consent_id = given.record.consent
    _raw(ledger, lambda connection: consents.count_use(connection, consent_id, left=5))
    with pytest.raises(ConsentChangedError):
        _raw(ledger, lambda connection: consents.count_use(connection, consent_id, left=5))


def test_a_consent_that_was_read_cannot_be_gone(ledger: Ledger) -> None:
    with pytest.raises(ConsentChangedError), ledger.read() as connection:
        consents.lock_known(connection, ConsentId(new_uuid()))


def test_a_code_is_used_up_once(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    flow.give(waiting.id, person)
    digest = stored_digest(flow.code(waiting.id, person))
    _raw(ledger, lambda connection: codes.redeem(connection, digest, at=NOW))
    with pytest.raises(ConsentChangedError):
        _raw(ledger, lambda connection: codes.redeem(connection, digest, at=NOW))


def test_a_dead_code_cannot_be_used_up(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    flow.give(waiting.id, person)
    digest = stored_digest(flow.code(waiting.id, person))
    _raw(ledger, lambda connection: codes.kill(connection, waiting.id, at=NOW))
    with pytest.raises(ConsentChangedError):
        _raw(ledger, lambda connection: codes.redeem(connection, digest, at=NOW))


def test_a_request_is_bound_once(ledger: Ledger) -> None:
    flow = Flow(ledger)
    digest = stored_digest(flow.push().removeprefix(URN))

    def bind(connection: Connection) -> None:
        pushed.bind(
            connection,
            digest,
            person=flow.person(),
            session=flow.session,
            consent=ConsentId(new_uuid()),
            event_id=EventId(new_uuid()),
        )

    _raw(ledger, bind)
    with pytest.raises(ConsentChangedError):
        _raw(ledger, bind)


def test_two_active_consents_for_one_purpose_do_not_fit_into_the_table(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with ledger.read() as connection:
        row = dict(connection.execute(tables.consent.select()).one()._mapping)
    twin = row | {"consent_id": new_uuid(), "audit_event_id": new_uuid()}
    with pytest.raises(IntegrityError):
        _raw(ledger, lambda connection: _insert(connection, twin))
    ended = twin | {"status": Status.WITHDRAWN}
    _raw(ledger, lambda connection: _insert(connection, ended))
    assert given.record.version == 1


def _insert(connection: Connection, row: dict[str, object]) -> None:
    connection.execute(insert(tables.consent).values(row))
