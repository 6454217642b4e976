"""What the person may answer, and what each answer leaves behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, update

from audit.model import SYSTEM, Actor, Kind
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.choices import (
    Choice,
    ChoiceError,
    UnknownConsentError,
    expire_due,
    give,
    refuse,
    withdraw,
)
from consent.clients import suspend_client
from consent.lifecycle import GuardError, IllegalTransitionError
from consent.model import Consent, ConsentRecord, Status
from consent.purposes import register_purpose
from consent.reading import consent, records_of
from consent.store import tables
from consent.tokens import access
from policies.ids import AttributeId, ConsentId, PurposeId
from policies.vocabulary import LevelOfAssurance
from tests.consent.flow import (
    ASKED,
    BENEFIT,
    GROSS,
    NEEDED,
    NOW,
    YEARLY,
    Flow,
    catalogue,
    drop_triggers,
    events,
)

_SECOND = timedelta(seconds=1)


def _now(flow: Flow, consent_id: ConsentId) -> Consent:
    with flow.ledger.read() as connection:
        found = consent(connection, consent_id)
    assert found is not None
    return found


def _refuse(flow: Flow, waiting: Consent, **changed: Any) -> ConsentRecord:
    with begin(flow.ledger, actor=Actor.person(waiting.person), now=NOW) as uow:
        return refuse(uow, waiting.id, flow.choice(waiting.person, **changed))


def _expire(flow: Flow, *, after: timedelta, limit: int = 100) -> int:
    with begin(flow.ledger, actor=SYSTEM, now=NOW + after) as uow:
        return expire_due(uow, limit=limit)


def test_giving_in_part_keeps_what_was_granted_and_what_was_refused(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    record = flow.give(flow.open(person).id, person)
    given = _now(flow, record.consent)
    assert (given.status, given.version) == (Status.ACTIVE, 1)
    assert (given.granted, given.refused) == (NEEDED, (YEARLY,))
    assert (given.not_before, given.not_after) == (NOW, NOW + timedelta(days=90))
    assert (record.version, record.status, record.previous) == (1, Status.ACTIVE, None)


def test_the_order_of_what_was_granted_is_the_order_asked(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    record = flow.give(flow.open(person).id, person, granted=ASKED[::-1] + ASKED)
    assert _now(flow, record.consent).granted == ASKED


def test_giving_is_recorded_with_the_digest_of_the_record(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    record = flow.give(flow.open(person).id, person)
    (entry,) = events(ledger, Kind.CONSENT_GIVEN)
    assert entry.event_id == record.event_id
    assert entry.get("digest") == record.digest
    assert entry.get("consent") == f"{record.consent}@1"
    assert entry.many("attributes") == NEEDED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"notice_digest": "0" * 64}, "notice-not-current"),
        ({"shown_at": NOW - timedelta(minutes=30, microseconds=1)}, "notice-not-just-shown"),
        ({"shown_at": NOW + timedelta(microseconds=1)}, "notice-not-just-shown"),
        ({"loa": LevelOfAssurance.LOW}, "assurance-too-low"),
        ({"granted": ()}, "nothing-granted"),
        ({"granted": (*NEEDED, AttributeId("income.employer"))}, "outside-request"),
        ({"granted": (GROSS, BENEFIT, YEARLY)}, "needed-missing"),
        ({"not_after": NOW}, "end-not-possible"),
        ({"not_after": NOW + timedelta(days=90, seconds=1)}, "end-not-possible"),
    ],
)
def test_a_choice_that_cannot_be_taken_changes_nothing(
    ledger: Ledger, changes: dict[str, Any], reason: str
) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    with pytest.raises(ChoiceError) as refused:
        flow.give(waiting.id, person, **changes)
    assert refused.value.reason == reason
    assert _now(flow, waiting.id) == waiting
    assert events(ledger, Kind.CONSENT_GIVEN) == []


def test_a_request_for_an_older_notice_cannot_be_given(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(purpose_version=0))
    with pytest.raises(ChoiceError, match="notice-not-current"):
        flow.give(waiting.id, person)


def test_what_the_declaration_allows_but_nobody_asked_cannot_be_granted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person, details_attributes=NEEDED)
    with pytest.raises(ChoiceError, match="outside-request"):
        flow.give(waiting.id, person, granted=ASKED)


def test_what_the_purpose_needs_is_not_missed_where_nobody_asked_for_it(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person, details_attributes=(GROSS, YEARLY))
    record = flow.give(waiting.id, person, granted=(GROSS,))
    assert _now(flow, record.consent).granted == (GROSS,)


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(minutes=30)])
def test_an_answer_belongs_to_a_notice_of_the_last_half_hour(
    ledger: Ledger, ago: timedelta
) -> None:
    flow = Flow(ledger)
    person = flow.person()
    flow.give(flow.open(person).id, person, shown_at=NOW - ago)


def test_an_earlier_end_may_be_chosen(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    end = NOW + timedelta(days=1)
    record = flow.give(flow.open(person).id, person, not_after=end)
    assert _now(flow, record.consent).not_after == end


def test_a_consent_ends_no_later_than_asked(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    end = NOW + timedelta(days=3)
    waiting = flow.open(person, details_not_after=end)
    with pytest.raises(ChoiceError, match="end-not-possible"):
        flow.give(waiting.id, person, not_after=end + _SECOND)
    assert _now(flow, flow.give(waiting.id, person).consent).not_after == end


def test_a_purpose_may_need_the_high_level_of_assurance(ledger: Ledger) -> None:
    flow = Flow(ledger, PurposeId("clinic-diabetes-care"), organisation="clinic-koivu")
    person = flow.person()
    asked = (AttributeId("glucose.latest_value"),)
    waiting = flow.open(person, details_attributes=asked)
    with pytest.raises(ChoiceError, match="assurance-too-low"):
        flow.give(waiting.id, person, granted=asked, loa=LevelOfAssurance.SUBSTANTIAL)
    flow.give(waiting.id, person, granted=asked, loa=LevelOfAssurance.HIGH)


def test_nothing_is_given_to_a_client_that_was_stopped(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspend_client(uow, flow.client.id)
    with pytest.raises(ChoiceError, match="client-suspended"):
        flow.give(waiting.id, person)


def _withdraw(uow: UnitOfWork, consent_id: ConsentId, choice: Choice) -> ConsentRecord:
    return withdraw(uow, consent_id, person=choice.actor, loa=choice.loa)


@pytest.mark.parametrize("answer", [give, refuse, _withdraw])
def test_nobody_answers_for_another_person_or_for_nothing(
    ledger: Ledger, answer: Callable[[UnitOfWork, ConsentId, Choice], ConsentRecord]
) -> None:
    flow = Flow(ledger)
    other, waiting = flow.person(), flow.open(flow.person())
    for consent_id in (waiting.id, ConsentId(uuid4())):
        with (
            pytest.raises(UnknownConsentError),
            begin(ledger, actor=Actor.person(other), now=NOW) as uow,
        ):
            answer(uow, consent_id, flow.choice(other))
    assert _now(flow, waiting.id) == waiting


def test_a_request_that_has_ended_cannot_be_answered_with_yes(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    with pytest.raises(GuardError):
        flow.give(waiting.id, person, now=waiting.expires_at)


def test_giving_twice_meets_the_first(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    flow.give(waiting.id, person)
    with pytest.raises(IllegalTransitionError) as refused:
        flow.give(waiting.id, person)
    assert refused.value.status is Status.ACTIVE
    assert len(events(ledger, Kind.CONSENT_GIVEN)) == 1


def test_a_new_consent_for_the_purpose_supersedes_the_old_one_and_its_tokens(
    ledger: Ledger,
) -> None:
    flow = Flow(ledger)
    first = flow.given()
    again = flow.open(first.person, now=NOW + _SECOND)
    flow.give(again.id, first.person, now=NOW + _SECOND)
    old = _now(flow, first.record.consent)
    assert (old.status, old.version) == (Status.SUPERSEDED, 2)
    assert _now(flow, again.id).status is Status.ACTIVE
    with ledger.read() as connection:
        token = access(connection, first.grant.access_token)
    assert token is not None
    assert not token.active
    (entry,) = events(ledger, Kind.CONSENT_CHANGED)
    assert entry.get("reason") == "replace"


def test_another_open_request_for_the_purpose_is_not_touched(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    first, second = flow.open(person), flow.open(person)
    flow.give(first.id, person)
    assert _now(flow, second.id) == second


def test_the_consent_of_another_person_is_not_touched(ledger: Ledger) -> None:
    flow = Flow(ledger)
    first = flow.given()
    flow.given()
    assert _now(flow, first.record.consent).status is Status.ACTIVE


def test_refusing_refuses_everything_whatever_was_ticked(ledger: Ledger) -> None:
    flow = Flow(ledger)
    waiting = flow.open(flow.person())
    record = _refuse(flow, waiting, granted=ASKED, loa=LevelOfAssurance.LOW)
    refused = _now(flow, waiting.id)
    assert (refused.status, refused.granted, refused.refused) == (Status.REFUSED, (), ASKED)
    assert (record.version, record.status) == (1, Status.REFUSED)
    assert len(events(ledger, Kind.CONSENT_REFUSED)) == 1


def test_a_refusal_is_of_the_notice_that_was_shown(ledger: Ledger) -> None:
    flow = Flow(ledger)
    waiting = flow.open(flow.person())
    newer = replace(flow.declaration(), version=2, max_validity_days=30)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        register_purpose(uow, newer, catalogue())
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(status=Status.REQUESTED))
    notice = _refuse(flow, waiting).content["processing"]["privacy_notice"]
    assert notice["notice_version_id"] == "debt-advice@1"


def test_what_was_refused_can_be_neither_given_nor_refused_nor_withdrawn(ledger: Ledger) -> None:
    flow = Flow(ledger)
    waiting = flow.open(flow.person())
    _refuse(flow, waiting)
    with pytest.raises(IllegalTransitionError):
        flow.give(waiting.id, waiting.person)
    with pytest.raises(IllegalTransitionError):
        _refuse(flow, waiting)
    with (
        pytest.raises(IllegalTransitionError),
        begin(ledger, actor=Actor.person(waiting.person), now=NOW) as uow,
    ):
        withdraw(uow, waiting.id, person=waiting.person, loa=LevelOfAssurance.LOW)


def test_withdrawing_ends_the_consent_and_its_tokens_at_any_assurance(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    record = flow.withdraw(given)
    assert (record.version, record.status, record.previous) == (
        2,
        Status.WITHDRAWN,
        given.record.digest,
    )
    assert not flow.access(given.grant).active
    (entry,) = events(ledger, Kind.CONSENT_WITHDRAWN)
    assert entry.many("attributes") == NEEDED


def test_withdrawing_again_gives_the_same_record_and_writes_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    first = flow.withdraw(given)
    assert flow.withdraw(given, now=NOW + timedelta(days=1)) == first
    assert len(events(ledger, Kind.CONSENT_WITHDRAWN)) == 1


def test_what_was_given_can_no_longer_be_refused(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    waiting = _now(flow, given.record.consent)
    with pytest.raises(IllegalTransitionError):
        _refuse(flow, waiting)


def test_time_ends_consents_and_lapses_requests(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given, waiting = flow.given(), flow.open(flow.person())
    assert _expire(flow, after=timedelta(days=14) - _SECOND) == 0
    assert _expire(flow, after=timedelta(days=14)) == 1
    assert _now(flow, waiting.id).status is Status.LAPSED
    assert _expire(flow, after=timedelta(days=90)) == 1
    assert _now(flow, given.record.consent).status is Status.EXPIRED
    assert _expire(flow, after=timedelta(days=900)) == 0
    assert len(events(ledger, Kind.CONSENT_LAPSED)) == 1
    assert len(events(ledger, Kind.CONSENT_EXPIRED)) == 1


def test_time_works_in_portions(ledger: Ledger) -> None:
    flow = Flow(ledger)
    for _ in range(3):
        flow.open(flow.person())
    assert [_expire(flow, after=timedelta(days=15), limit=2) for _ in range(3)] == [2, 1, 0]


def test_each_version_is_linked_to_the_one_before(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    flow.withdraw(given)
    with ledger.read() as connection:
        first, second = records_of(connection, given.record.consent)
    assert (first.previous, second.previous) == (None, first.digest)
    assert second.content["header"]["previous"] == f"sha256:{first.digest}"


@pytest.mark.parametrize(
    ("table", "error", "said"),
    [
        (tables.client, RuntimeError, "never registered"),
        (tables.purpose, ChoiceError, "declaration-not-in-force"),
    ],
)
def test_a_consent_whose_client_or_purpose_is_gone_stops_with_an_error(
    ledger: Ledger, table: Any, error: type[Exception], said: str
) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting, choice = flow.open(person), flow.choice(person)
    with ledger.engine.begin() as connection:
        drop_triggers(connection, table.name)
        connection.execute(delete(table))
    with (
        pytest.raises(error, match=said),
        begin(ledger, actor=Actor.person(person), now=NOW) as uow,
    ):
        give(uow, waiting.id, choice)


@pytest.mark.parametrize("status", [Status.ACTIVE, Status.WITHDRAWN])
def test_a_consent_whose_record_is_gone_stops_with_an_error(ledger: Ledger, status: Status) -> None:
    flow = Flow(ledger)
    given = flow.given()
    if status is Status.WITHDRAWN:
        flow.withdraw(given)
    with ledger.engine.begin() as connection:
        drop_triggers(connection, tables.record.name)
        connection.execute(delete(tables.record))
    with pytest.raises(RuntimeError, match="has no record"):
        flow.withdraw(given)
