"""Putting an answer off, and coming back: it waits, and runs out all the same."""

from datetime import timedelta

import pytest

from audit.model import Actor, Kind
from audit.unit_of_work import Ledger, begin
from consent.choices import UnknownConsentError, expire_due
from consent.deferring import REMINDED_AFTER, defer, reopen
from consent.lifecycle import GuardError, IllegalTransitionError
from consent.model import OPEN_FOR, Consent, Status
from policies.ids import PersonId
from tests.consent.flow import NOW, Flow, events


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def deferred(flow: Flow, waiting: Consent, person: PersonId | None = None) -> Consent:
    who = person or waiting.person
    with begin(flow.ledger, actor=Actor.person(who), now=NOW) as uow:
        return defer(uow, waiting.id, person=who)


def reopened(flow: Flow, waiting: Consent, *, after: timedelta = timedelta()) -> Consent:
    with begin(flow.ledger, actor=Actor.person(waiting.person), now=NOW + after) as uow:
        return reopen(uow, waiting.id, person=waiting.person)


def test_it_is_put_off_with_a_day_to_remind(flow: Flow) -> None:
    off = deferred(flow, flow.open(flow.person()))
    assert (off.status, off.remind_at, off.version) == (Status.DEFERRED, NOW + REMINDED_AFTER, 0)
    assert len(events(flow.ledger, Kind.CONSENT_DEFERRED)) == 1


def test_it_comes_back_and_can_be_given_either_way(flow: Flow) -> None:
    person = flow.person()
    back = reopened(flow, deferred(flow, flow.open(person)))
    assert (back.status, back.remind_at) == (Status.REQUESTED, None)
    assert flow.give(back.id, person).status is Status.ACTIVE
    assert flow.give(deferred(flow, flow.open(person)).id, person).status is Status.ACTIVE


def test_it_runs_out_all_the_same(flow: Flow) -> None:
    waiting = deferred(flow, flow.open(flow.person()))
    with pytest.raises(GuardError):
        reopened(flow, waiting, after=OPEN_FOR)
    with begin(flow.ledger, actor=Actor.person(waiting.person), now=NOW + OPEN_FOR) as uow:
        assert expire_due(uow) == 1


def test_only_what_waits_is_put_off_and_only_what_was_put_off_comes_back(flow: Flow) -> None:
    waiting = flow.open(flow.person())
    with pytest.raises(IllegalTransitionError):
        reopened(flow, waiting)
    deferred(flow, waiting)
    with pytest.raises(IllegalTransitionError):
        deferred(flow, waiting)


def test_nobody_puts_off_for_another(flow: Flow) -> None:
    with pytest.raises(UnknownConsentError):
        deferred(flow, flow.open(flow.person()), flow.person())
