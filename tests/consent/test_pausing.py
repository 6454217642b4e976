"""Stopping a consent for a while: nothing is given meanwhile, and who stopped it decides."""

from datetime import timedelta

import pytest

from audit.model import Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.choices import UnknownConsentError, expire_due
from consent.decisions import Denial, DenialReason, Permit
from consent.grants import Grant, RefusalReason, TokenRefusal
from consent.lifecycle import GuardError, IllegalTransitionError
from consent.model import ConsentRecord, Status
from consent.notices import feed
from consent.pausing import pause, resume
from consent.reading import consent
from consent.tokens import refresh
from policies.ids import PersonId
from policies.vocabulary import LevelOfAssurance
from tests.consent.flow import JKT, NOW, Flow, Given, events


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def paused(flow: Flow, given: Given, person: PersonId | None = None) -> ConsentRecord:
    who = person or given.person
    with begin(flow.ledger, actor=Actor.person(who), now=NOW) as uow:
        return pause(uow, given.record.consent, person=who, loa=LevelOfAssurance.LOW)


def resumed(flow: Flow, given: Given, *, after: timedelta = timedelta()) -> ConsentRecord:
    with begin(flow.ledger, actor=Actor.person(given.person), now=NOW + after) as uow:
        return resume(uow, given.record.consent, person=given.person, loa=LevelOfAssurance.LOW)


def refreshed(flow: Flow, given: Given) -> Grant | TokenRefusal:
    assert given.grant.refresh_token is not None
    with begin(flow.ledger, actor=Actor.client(given.client.id), now=NOW) as uow:
        return refresh(uow, given.grant.refresh_token, client=given.client, jkt=JKT)


def test_nothing_is_given_while_it_is_paused(flow: Flow) -> None:
    given = flow.given()
    assert isinstance(flow.fetch(given.access), Permit)
    record = paused(flow, given)
    assert (record.status, record.version) == (Status.SUSPENDED, 2)
    refused = flow.fetch(given.access)
    assert isinstance(refused, Denial)
    assert refused.reason is DenialReason.SUSPENDED
    token = refreshed(flow, given)
    assert isinstance(token, TokenRefusal)
    assert token.reason is RefusalReason.CONSENT_NOT_ACTIVE


def test_it_goes_on_with_the_refresh_token_that_the_client_has(flow: Flow) -> None:
    given = flow.given()
    paused(flow, given)
    assert resumed(flow, given).status is Status.ACTIVE
    assert isinstance(flow.fetch(given.access), Denial)
    token = refreshed(flow, given)
    assert isinstance(token, Grant)
    assert isinstance(flow.fetch(flow.access(token)), Permit)


def test_each_step_is_an_event_a_record_and_told_to_the_client(flow: Flow) -> None:
    given = flow.given()
    first, second = paused(flow, given), resumed(flow, given)
    assert second.previous == first.digest
    (stopped,) = events(flow.ledger, Kind.CONSENT_SUSPENDED)
    assert (stopped.get("reason"), stopped.get("digest")) == ("art18", first.digest)
    assert len(events(flow.ledger, Kind.CONSENT_RESUMED)) == 1
    last = first.content["events"][-1]
    assert (last["event_reason"], last["event_ground"]) == ("suspend", "art18")
    with begin(flow.ledger, actor=Actor.client(given.client.id), now=NOW) as uow:
        uow.record(Event(kind=Kind.FEED_READ))
        told = {str(notice.what) for _, notice in feed(uow, given.client.id, after=0).notices}
    assert told == {"consent.given", "consent.paused", "consent.resumed"}


def test_what_is_paused_can_be_withdrawn(flow: Flow) -> None:
    given = flow.given()
    paused(flow, given)
    assert flow.withdraw(given).status is Status.WITHDRAWN
    with flow.ledger.read() as connection:
        found = consent(connection, given.record.consent)
    assert found is not None
    assert found.suspended is None


def test_its_time_runs_on_while_it_is_paused(flow: Flow) -> None:
    given = flow.given()
    paused(flow, given)
    with flow.ledger.read() as connection:
        found = consent(connection, given.record.consent)
    assert found is not None
    assert found.not_after is not None
    long = found.not_after - NOW
    with pytest.raises(GuardError):
        resumed(flow, given, after=long)
    with begin(flow.ledger, actor=Actor.person(given.person), now=NOW + long) as uow:
        assert expire_due(uow) == 1


@pytest.mark.parametrize("how_often", [1, 2])
def test_nothing_is_paused_twice_and_nothing_resumed_that_runs(flow: Flow, how_often: int) -> None:
    given = flow.given()
    if how_often == 2:
        paused(flow, given)
        with pytest.raises(IllegalTransitionError):
            paused(flow, given)
        assert len(events(flow.ledger, Kind.CONSENT_SUSPENDED)) == 1
    else:
        with pytest.raises(IllegalTransitionError):
            resumed(flow, given)
        assert events(flow.ledger, Kind.CONSENT_RESUMED) == []


def test_nobody_pauses_what_is_another_persons(flow: Flow) -> None:
    given = flow.given()
    with pytest.raises(UnknownConsentError):
        paused(flow, given, flow.person())
    assert isinstance(flow.fetch(given.access), Permit)
