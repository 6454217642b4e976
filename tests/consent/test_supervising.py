"""What others decide of a consent: with whose decision it is and its ground, and marks for what was
released on one that was never valid."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.assessment import TIME_TO_NOTIFY, Outcome
from consent.choices import UnknownConsentError
from consent.decisions import Denial, DenialReason
from consent.flagging import (
    NoAssessmentError,
    assess,
    flagged_of,
    flagged_on,
    open_assessments,
)
from consent.grounds import Defect, LegalGround, SuspensionGround
from consent.lifecycle import GuardError, IllegalTransitionError, Party, WrongPartyError
from consent.model import ConsentRecord, Status
from consent.pausing import resume
from consent.store.flagged import close_assessment
from consent.store.guard import ConsentChangedError
from consent.supervising import invalidate, resume_by_order, revoke, suspend_by_order
from policies.ids import ConsentId, EventId
from policies.vocabulary import LevelOfAssurance
from tests.consent.flow import GROSS, NOW, Flow, Given, events


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def by_order(
    flow: Flow, decide: Callable[[UnitOfWork], ConsentRecord], *, later: timedelta = timedelta()
) -> ConsentRecord:
    with begin(flow.ledger, actor=SYSTEM, now=NOW + later) as uow:
        return decide(uow)


def stopped(flow: Flow, given: Given, party: Party = Party.SUPERVISOR) -> ConsentRecord:
    ground = SuspensionGround.BREACH
    return by_order(
        flow,
        lambda uow: suspend_by_order(uow, given.record.consent, party=party, ground=ground),
    )


def revoked(flow: Flow, consent_id: ConsentId) -> ConsentRecord:
    ground = LegalGround.COURT_ORDER
    return by_order(flow, lambda uow: revoke(uow, consent_id, party=Party.COURT, ground=ground))


def invalid(flow: Flow, consent_id: ConsentId) -> ConsentRecord:
    return by_order(
        flow,
        lambda uow: invalidate(
            uow, consent_id, party=Party.CONTROLLER, defect=Defect.NOTICE_DEFECT
        ),
    )


def released(flow: Flow, given: Given, version: int = 1) -> EventId:
    with begin(flow.ledger, actor=Actor.client(given.client.id), now=NOW) as uow:
        return uow.record(
            Event(
                kind=Kind.DATA_RELEASED,
                subject=given.person,
                client=given.client.id,
                organisation=given.client.organisation,
                consent=f"{given.record.consent}@{version}",
                attributes=(GROSS,),
            )
        )


def test_an_order_stops_it_and_only_the_same_party_lets_it_go_on(flow: Flow) -> None:
    given = flow.given()
    assert stopped(flow, given).status is Status.SUSPENDED
    refused = flow.fetch(given.access)
    assert isinstance(refused, Denial)
    assert refused.reason is DenialReason.SUSPENDED
    with (
        pytest.raises(WrongPartyError),
        begin(flow.ledger, actor=Actor.person(given.person), now=NOW) as uow,
    ):
        resume(uow, given.record.consent, person=given.person, loa=LevelOfAssurance.HIGH)
    with pytest.raises(WrongPartyError):
        by_order(flow, lambda uow: resume_by_order(uow, given.record.consent, party=Party.SYSTEM))
    going = by_order(
        flow, lambda uow: resume_by_order(uow, given.record.consent, party=Party.SUPERVISOR)
    )
    assert going.status is Status.ACTIVE


def test_the_event_and_the_record_say_whose_decision_it_is_and_why(flow: Flow) -> None:
    given = flow.given()
    record = revoked(flow, given.record.consent)
    (said,) = events(flow.ledger, Kind.CONSENT_REVOKED)
    assert (said.get("reason"), said.get("digest")) == ("court-order", record.digest)
    last = record.content["events"][-1]
    assert (last["entity_id"], last["event_ground"]) == ("court", "court-order")
    refused = flow.fetch(given.access)
    assert isinstance(refused, Denial)
    assert refused.reason is DenialReason.REVOKED


@pytest.mark.parametrize(
    ("party", "ground"),
    [
        (Party.COURT, SuspensionGround.BREACH),
        (Party.SUPERVISOR, SuspensionGround.ART18),
        (Party.CLIENT, SuspensionGround.BREACH),
    ],
)
def test_who_may_not_stop_it_or_not_so_stops_nothing(
    flow: Flow, party: Party, ground: SuspensionGround
) -> None:
    given = flow.given()
    with pytest.raises((WrongPartyError, GuardError)):
        by_order(
            flow,
            lambda uow: suspend_by_order(uow, given.record.consent, party=party, ground=ground),
        )
    assert events(flow.ledger, Kind.CONSENT_SUSPENDED) == []


def test_what_was_released_on_an_invalid_consent_is_marked_and_nothing_else(flow: Flow) -> None:
    given, other = flow.given(), flow.given()
    mine = {released(flow, given), released(flow, given, 2)}
    released(flow, other)
    record = invalid(flow, given.record.consent)
    assert record.status is Status.INVALIDATED
    with flow.ledger.read() as connection:
        assert set(flagged_on(connection, given.record.consent)) == mine
        assert flagged_of(connection, given.person) == mine
        assert flagged_of(connection, other.person) == frozenset()


@pytest.mark.parametrize("reason", ["jointly-released", None])
def test_what_was_released_of_another_on_her_yes_is_marked_too(
    flow: Flow, reason: str | None
) -> None:
    given, other = flow.given(), flow.given()
    with begin(flow.ledger, actor=Actor.client(given.client.id), now=NOW) as uow:
        of_this, _ = (
            uow.record(
                Event(
                    kind=Kind.DATA_RELEASED,
                    subject=given.person,
                    client=given.client.id,
                    reason=reason,
                    reference=f"{yes.record.consent}@1",
                )
            )
            for yes in (given, other)
        )
    invalid(flow, given.record.consent)
    with flow.ledger.read() as connection:
        marked = flagged_on(connection, given.record.consent)
        assert marked == ([] if reason is None else [of_this])
        assert len(open_assessments(connection)) == len(marked)


def test_the_marks_reach_through_a_long_log(flow: Flow) -> None:
    given = flow.given()
    with begin(flow.ledger, actor=Actor.client(given.client.id), now=NOW) as uow:
        for _ in range(201):
            uow.record(
                Event(
                    kind=Kind.DATA_RELEASED,
                    subject=given.person,
                    consent=f"{given.record.consent}@1",
                )
            )
    invalid(flow, given.record.consent)
    with flow.ledger.read() as connection:
        assert len(flagged_on(connection, given.record.consent)) == 201


def test_what_has_ended_can_still_be_found_invalid(flow: Flow) -> None:
    given = flow.given()
    released(flow, given)
    flow.withdraw(given)
    assert invalid(flow, given.record.consent).version == 3
    with flow.ledger.read() as connection:
        assert len(flagged_on(connection, given.record.consent)) == 1


def test_releases_open_an_assessment_that_is_due_in_72_hours_and_closes_once(flow: Flow) -> None:
    given = flow.given()
    released(flow, given)
    invalid(flow, given.record.consent)
    with flow.ledger.read() as connection:
        (waiting,) = open_assessments(connection)
    assert (waiting.consent, waiting.due_at) == (given.record.consent, NOW + TIME_TO_NOTIFY)
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        assess(uow, given.record.consent, Outcome.NO_RISK)
    (said,) = events(flow.ledger, Kind.BREACH_ASSESSED)
    assert said.get("reason") == "no-risk"
    with flow.ledger.read() as connection:
        assert open_assessments(connection) == []
    with (
        pytest.raises(NoAssessmentError),
        begin(flow.ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        assess(uow, given.record.consent, Outcome.AUTHORITY_TOLD)


def test_without_a_release_there_is_nothing_to_assess(flow: Flow) -> None:
    given = flow.given()
    invalid(flow, given.record.consent)
    with flow.ledger.read() as connection:
        assert open_assessments(connection) == []
    with (
        pytest.raises(NoAssessmentError),
        begin(flow.ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        assess(uow, given.record.consent, Outcome.NO_RISK)


@pytest.mark.parametrize("decide", [revoked, invalid])
def test_what_was_found_invalid_stays_so(
    flow: Flow, decide: Callable[[Flow, ConsentId], ConsentRecord]
) -> None:
    given = flow.given()
    invalid(flow, given.record.consent)
    with pytest.raises(IllegalTransitionError):
        decide(flow, given.record.consent)


@pytest.mark.parametrize("decide", [revoked, invalid])
def test_of_no_consent_nothing_is_decided(
    flow: Flow, decide: Callable[[Flow, ConsentId], ConsentRecord]
) -> None:
    with pytest.raises(UnknownConsentError):
        decide(flow, ConsentId(uuid4()))


def test_an_outcome_is_written_over_no_other(flow: Flow) -> None:
    given = flow.given()
    event_id = released(flow, given)
    with (
        pytest.raises(ConsentChangedError),
        begin(flow.ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        close_assessment(
            uow.connection, given.record.consent, Outcome.NO_RISK, at=NOW, event_id=event_id
        )
