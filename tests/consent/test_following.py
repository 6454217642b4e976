"""Requests and consents follow their purpose when it is suspended, resumed or retired."""

import pytest

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.decisions import Denial, Permit
from consent.declared import Act
from consent.following import follow_declarations
from consent.model import Consent, Status
from consent.notice import Told
from consent.notices import feed
from consent.reading import consent
from policies.ids import ConsentId
from tests.consent.flow import NOW, Flow, events
from tests.consent.test_declarations import NEWER, Desk, stopped


def follow(ledger: Ledger, *, limit: int = 100) -> int:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return follow_declarations(uow, limit=limit)


def now(ledger: Ledger, consent_id: ConsentId) -> Consent:
    with ledger.read() as connection:
        found = consent(connection, consent_id)
    assert found is not None
    return found


def test_what_was_given_stops_and_goes_on_with_its_purpose(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    assert follow(ledger) == 0
    stopped(ledger, Act.SUSPEND)
    assert (follow(ledger), follow(ledger)) == (1, 0)
    assert now(ledger, given.record.consent).status is Status.SUSPENDED
    (entry,) = events(ledger, Kind.CONSENT_SUSPENDED)
    assert (entry.get("reason"), entry.subject) == ("purpose-suspended", given.person)
    stopped(ledger, Act.RESUME)
    assert (follow(ledger), follow(ledger)) == (1, 0)
    assert now(ledger, given.record.consent).status is Status.ACTIVE
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(Event(kind=Kind.FEED_READ, client=flow.client.id))
        told = {each.what for _, each in feed(uow, flow.client.id, after=0).notices}
    assert told == {Told.GIVEN, Told.PAUSED, Told.RESUMED}


def test_a_suspended_purpose_leaves_requests_to_wait(ledger: Ledger) -> None:
    flow = Flow(ledger)
    waiting = flow.open(flow.person())
    stopped(ledger, Act.SUSPEND)
    assert follow(ledger) == 0
    assert now(ledger, waiting.id).status is Status.REQUESTED


@pytest.mark.parametrize("before", [(), (Act.SUSPEND,)])
def test_what_was_given_and_asked_ends_with_a_retired_purpose(
    ledger: Ledger, before: tuple[Act, ...]
) -> None:
    flow = Flow(ledger)
    given, waiting = flow.given(), flow.open(flow.person())
    for act in (*before, Act.RETIRE):
        stopped(ledger, act)
        follow(ledger)
    assert follow(ledger) == 0
    assert now(ledger, given.record.consent).status is Status.REVOKED
    assert now(ledger, waiting.id).status is Status.CANCELLED
    (entry,) = events(ledger, Kind.CONSENT_REVOKED)
    assert entry.get("reason") == "purpose-retired"
    denied = flow.fetch(given.access)
    assert isinstance(denied, Denial)
    assert denied.reason == "revoked"


def test_a_version_that_a_newer_one_replaced_ends_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    Desk(ledger).in_force(NEWER)
    assert follow(ledger) == 0
    assert isinstance(flow.fetch(given.access), Permit)


def test_it_is_done_in_pieces(ledger: Ledger) -> None:
    flow = Flow(ledger)
    for _ in range(3):
        flow.given()
    flow.open(flow.person())
    stopped(ledger, Act.RETIRE)
    assert [follow(ledger, limit=2) for _ in range(3)] == [2, 2, 0]
