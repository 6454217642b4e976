"""Decisions: who gets a permit, who gets a denial, and that a denial leaves its trace."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, update

from audit.model import SYSTEM, Actor, Kind
from audit.unit_of_work import Ledger, UnaccountedChangeError, begin
from consent.authorization_details import AuthorizationDetails
from consent.clients import suspend_client
from consent.decisions import (
    Denial,
    DenialReason,
    NotHerselfError,
    Permit,
    PermitElsewhereError,
    PermitKind,
    decide_fetch,
    decide_self_access,
)
from consent.grants import Grant, TokenAccess
from consent.model import Consent, ConsentRef, Status
from consent.reading import consent
from consent.store import tables
from consent.tokens import issue_statutory_token, revoke
from policies.ids import AttributeId, ConsentId, PersonId, PurposeId
from policies.reasons import load_reasons
from policies.vocabulary import LegalBasis
from tests.consent.flow import BENEFIT, GROSS, JKT, NEEDED, NOW, YEARLY, Flow, events

_SECOND = timedelta(seconds=1)
_FROM_LAW = AttributeId("income.yearly_total")


def _reason(decision: Permit | Denial) -> DenialReason:
    assert isinstance(decision, Denial)
    return decision.reason


def _consent(ledger: Ledger, consent_id: ConsentId) -> Consent:
    with ledger.read() as connection:
        found = consent(connection, consent_id)
    assert found is not None
    return found


def _set_status(ledger: Ledger, status: Status) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(status=status))


def _by_law(ledger: Ledger) -> tuple[Flow, TokenAccess]:
    flow = Flow(ledger, PurposeId("kela-income-check"), organisation="kela")
    details = AuthorizationDetails(
        purpose=flow.purpose_id, attributes=(GROSS, _FROM_LAW), case="KELA/7"
    )
    with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        grant = issue_statutory_token(uow, flow.client, details, flow.person(), jkt=JKT)
    assert isinstance(grant, Grant)
    return flow, flow.access(grant)


def test_an_active_consent_permits_what_was_granted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given(details_case="A/7")
    permit = flow.fetch(given.access, (BENEFIT, GROSS))
    assert isinstance(permit, Permit)
    assert (permit.kind, permit.person) == (PermitKind.RELEASE, given.person)
    assert permit.attributes == (BENEFIT, GROSS)
    assert permit.consent == ConsentRef(given.record.consent, 1)
    assert (permit.purpose, permit.basis) == (flow.purpose_id, LegalBasis.CONSENT)
    assert (permit.organisation, permit.client) == ("debt-counsel", flow.client.id)
    assert permit.case == "A/7"


def test_a_permit_counts_as_one_use(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    flow.fetch(given.access)
    assert _consent(ledger, given.record.consent).uses_left == 4


def test_a_use_that_nothing_accounts_for_is_not_counted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with (
        pytest.raises(UnaccountedChangeError),
        begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow,
    ):
        decide_fetch(uow, given.access, (GROSS,))
    assert _consent(ledger, given.record.consent).uses_left == 5


def test_the_last_use_ends_the_consent_in_its_own_transaction(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given(details_uses=2)
    assert isinstance(flow.fetch(given.access), Permit)
    last = flow.fetch(given.access)
    assert isinstance(last, Permit)
    assert last.consent == ConsentRef(given.record.consent, 1)
    spent = _consent(ledger, given.record.consent)
    assert (spent.status, spent.uses_left, spent.version) == (Status.EXPIRED, 0, 2)
    assert not flow.access(given.grant).active
    (entry,) = events(ledger, Kind.CONSENT_EXPIRED)
    assert entry.get("reason") == "use-last"
    assert _reason(flow.fetch(given.access)) is DenialReason.USES_SPENT


def test_without_a_limit_nothing_is_counted_or_written(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(uses_allowed=None, uses_left=None))
    with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        assert isinstance(decide_fetch(uow, given.access, (GROSS,)), Permit)


def test_after_a_withdrawal_nothing_is_permitted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    flow.withdraw(given)
    assert _reason(flow.fetch(given.access)) is DenialReason.WITHDRAWN


def test_a_denial_is_recorded_and_committed(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given(details_case="A/7")
    flow.withdraw(given)
    denial = flow.fetch(given.access)
    assert isinstance(denial, Denial)
    (entry,) = events(ledger, Kind.DATA_REFUSED)
    assert entry.event_id == denial.event_id
    assert entry.subject == given.person
    assert (entry.get("reason"), entry.get("case")) == ("withdrawn", "A/7")
    assert entry.get("consent") == f"{given.record.consent}@2"
    assert entry.many("attributes") == (GROSS,)


def test_a_consent_has_ended_at_its_end_though_nobody_has_swept_it(ledger: Ledger) -> None:
    flow = Flow(ledger)
    end = NOW + timedelta(seconds=10)
    given = flow.given(details_not_after=end)
    assert isinstance(flow.fetch(given.access, now=end - _SECOND), Permit)
    assert _reason(flow.fetch(given.access, now=end)) is DenialReason.ENDED


def test_a_token_has_ended_after_five_minutes(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    end = NOW + timedelta(seconds=300)
    assert isinstance(flow.fetch(given.access, now=end - _SECOND), Permit)
    assert _reason(flow.fetch(given.access, now=end)) is DenialReason.TOKEN_ENDED


def test_a_revoked_token_opens_nothing_though_it_was_remembered(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        assert revoke(uow, given.grant.access_token, client=flow.client)
    assert _reason(flow.fetch(given.access)) is DenialReason.TOKEN_ENDED


def test_a_token_that_is_gone_opens_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with ledger.engine.begin() as connection:
        connection.execute(delete(tables.token))
    assert _reason(flow.fetch(given.access)) is DenialReason.TOKEN_ENDED


def test_a_client_that_was_stopped_gets_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspend_client(uow, flow.client.id)
    assert _reason(flow.fetch(given.access)) is DenialReason.CLIENT_SUSPENDED


@pytest.mark.parametrize("requested", [(YEARLY,), (GROSS, YEARLY), (AttributeId("person.x"),)])
def test_one_attribute_too_many_refuses_the_whole(
    ledger: Ledger, requested: tuple[AttributeId, ...]
) -> None:
    flow = Flow(ledger)
    given = flow.given()
    assert _reason(flow.fetch(given.access, requested)) is DenialReason.MORE_THAN_ACCEPTED
    assert _consent(ledger, given.record.consent).uses_left == 5


def test_a_token_opens_no_more_than_it_was_given_for(ledger: Ledger) -> None:
    flow = Flow(ledger)
    narrower = replace(flow.given().access, attributes=(GROSS,))
    assert _reason(flow.fetch(narrower, (BENEFIT,))) is DenialReason.MORE_THAN_ACCEPTED


def test_a_consent_opens_no_more_than_was_granted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    wider = replace(flow.given().access, attributes=(*NEEDED, YEARLY))
    assert _reason(flow.fetch(wider, (YEARLY,))) is DenialReason.MORE_THAN_ACCEPTED


def test_a_token_opens_the_data_of_its_own_person_only(ledger: Ledger) -> None:
    flow = Flow(ledger)
    another = replace(flow.given().access, person=flow.person())
    assert _reason(flow.fetch(another)) is DenialReason.TOKEN_ENDED


@pytest.mark.parametrize("consent_id", [None, ConsentId(uuid4())])
def test_a_token_is_checked_against_its_own_consent(
    ledger: Ledger, consent_id: ConsentId | None
) -> None:
    flow = Flow(ledger)
    another = replace(flow.given().access, consent=consent_id)
    assert _reason(flow.fetch(another)) is DenialReason.TOKEN_ENDED


def test_a_consent_put_under_another_person_opens_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(person_id=uuid4()))
    assert _reason(flow.fetch(given.access)) is DenialReason.TOKEN_ENDED


def test_an_empty_request_is_refused(ledger: Ledger) -> None:
    flow = Flow(ledger)
    assert _reason(flow.fetch(flow.given().access, ())) is DenialReason.EMPTY_REQUEST


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.REQUESTED, DenialReason.NOT_ACTIVE),
        (Status.DEFERRED, DenialReason.NOT_ACTIVE),
        (Status.PENDING_JOINT, DenialReason.NOT_ACTIVE),
        (Status.REFUSED, DenialReason.NOT_ACTIVE),
        (Status.LAPSED, DenialReason.NOT_ACTIVE),
        (Status.CANCELLED, DenialReason.NOT_ACTIVE),
        (Status.SUSPENDED, DenialReason.SUSPENDED),
        (Status.EXPIRED, DenialReason.ENDED),
        (Status.WITHDRAWN, DenialReason.WITHDRAWN),
        (Status.REVOKED, DenialReason.REVOKED),
        (Status.INVALIDATED, DenialReason.INVALIDATED),
        (Status.SUPERSEDED, DenialReason.SUPERSEDED),
    ],
)
def test_in_no_other_state_anything_is_permitted(
    ledger: Ledger, status: Status, reason: DenialReason
) -> None:
    flow = Flow(ledger)
    given = flow.given()
    _set_status(ledger, status)
    assert _reason(flow.fetch(given.access)) is reason


def test_an_active_consent_without_an_end_permits_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(not_after=None))
    assert _reason(flow.fetch(given.access)) is DenialReason.ENDED


def test_the_law_permits_what_the_token_was_given_for(ledger: Ledger) -> None:
    flow, token = _by_law(ledger)
    permit = flow.fetch(token, (GROSS, _FROM_LAW))
    assert isinstance(permit, Permit)
    assert (permit.basis, permit.consent, permit.case) == (LegalBasis.STATUTE, None, "KELA/7")


def test_the_law_permits_no_more(ledger: Ledger) -> None:
    flow, token = _by_law(ledger)
    assert _reason(flow.fetch(token, (BENEFIT,))) is DenialReason.MORE_THAN_ACCEPTED
    end = NOW + timedelta(seconds=300)
    assert _reason(flow.fetch(token, now=end)) is DenialReason.TOKEN_ENDED
    (first, _) = events(ledger, Kind.DATA_REFUSED)
    assert (first.get("basis"), first.get("consent")) == ("statute", None)


def test_a_person_may_always_see_her_own_data(ledger: Ledger) -> None:
    person = PersonId(uuid4())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        permit = decide_self_access(uow, person, [GROSS])
        permit.require(uow)
    assert (permit.kind, permit.person, permit.attributes) == (PermitKind.SELF, person, (GROSS,))
    assert (permit.purpose, permit.basis, permit.organisation) == (None, None, None)


@pytest.mark.parametrize("actor", [SYSTEM, Actor.person(PersonId(uuid4()))])
def test_nobody_else_may_see_them_as_she_does(ledger: Ledger, actor: Actor) -> None:
    with pytest.raises(NotHerselfError), begin(ledger, actor=actor, now=NOW) as uow:
        decide_self_access(uow, PersonId(uuid4()), [GROSS])


def test_a_permit_holds_in_its_own_unit_of_work_only(ledger: Ledger) -> None:
    person = PersonId(uuid4())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        permit = decide_self_access(uow, person, [GROSS])
    with (
        pytest.raises(PermitElsewhereError),
        begin(ledger, actor=Actor.person(person), now=NOW) as another,
    ):
        permit.require(another)


def test_a_permit_cannot_be_made_or_widened_outside(ledger: Ledger) -> None:
    person = PersonId(uuid4())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        permit = decide_self_access(uow, person, [GROSS])
    members: dict[str, Any] = {
        name: getattr(permit, name) for name in Permit.__slots__ if name != "made_by"
    }
    with pytest.raises(RuntimeError, match=r"only consent\.decisions"):
        Permit(**members, made_by=object())
    with pytest.raises(ValueError, match="made_by"):
        replace(permit, attributes=(GROSS, BENEFIT))  # type: ignore[call-arg]  # what is refused
    assert "uow" not in repr(permit).lower()


@pytest.mark.parametrize("reason", DenialReason)
def test_every_denial_can_be_explained_in_plain_words(reason: DenialReason) -> None:
    assert reason in load_reasons()
