"""Uses that a law keeps back from the person: in every event of the token, and in no other's.

And by which rules something was decided: in every event of a decision.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from audit.model import SYSTEM, Actor, Entry, Event, Kind
from audit.own_log import own_entries
from audit.reader import entries_about
from audit.unit_of_work import Ledger, begin
from consent.authorization_details import AuthorizationDetails
from consent.decisions import Denial, DenialReason, Permit, decide_fetch
from consent.grants import Grant, TokenAccess, TokenRefusal
from consent.purposes import register_purpose
from consent.store import tables
from consent.tokens import issue_statutory_token, refresh, revoke
from policies.ids import AttributeId, PurposeId
from policies.purposes import KeptBack
from policies.text import Text
from tests.consent.flow import GROSS, JKT, NOW, Flow, catalogue

RULES = "5e" * 32
LAW = PurposeId("kela-income-check")
SECRET = KeptBack(
    days=30, law=Text(fi="Laki 1/2026, 2 §", sv="Lag 1/2026, 2 §", en="Act 1/2026, section 2")
)
SEEN = NOW + timedelta(days=30)


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    """An authority whose uses by law are kept back for thirty days."""
    ledger.rules = RULES
    made = Flow(ledger, LAW, organisation="kela")
    declared = catalogue().purpose(LAW)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        later = replace(declared, version=declared.version + 1, kept_back=SECRET)
        register_purpose(uow, later, catalogue())
    return made


def given(flow: Flow, *attributes: AttributeId) -> Grant:
    details = AuthorizationDetails(purpose=LAW, attributes=attributes or (GROSS,), case="KELA/7")
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        grant = issue_statutory_token(uow, flow.client, details, flow.person(), jkt=JKT)
    assert isinstance(grant, Grant)
    return grant


def decided(flow: Flow, access: TokenAccess, *attributes: AttributeId) -> Permit | Denial:
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        decision = decide_fetch(uow, access, attributes)
        if isinstance(decision, Permit):
            uow.record(Event(kind=Kind.SIGN_IN_BEGUN))  # a permit alone changes nothing
        return decision


def entries(flow: Flow, access: TokenAccess) -> dict[Kind | None, Entry]:
    with flow.ledger.read() as connection:
        found = entries_about(connection, flow.ledger, access.person)
    return {each.kind: each for each in found}


def seen(flow: Flow, access: TokenAccess, after: timedelta) -> list[Kind | None]:
    with flow.ledger.read() as connection:
        found = own_entries(connection, flow.ledger, access.person, now=NOW + after)
    return [each.kind for each in found if isinstance(each, Entry)]


def test_every_event_of_the_token_is_kept_back_until_the_same_moment(flow: Flow) -> None:
    grant = given(flow)
    access = flow.access(grant)
    permit = decided(flow, access, GROSS)
    assert isinstance(permit, Permit)
    assert permit.visible_from == SEEN
    assert isinstance(decided(flow, access), Denial)
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        assert revoke(uow, grant.access_token, client=flow.client)
    found = entries(flow, access)
    assert {*found} == {Kind.TOKEN_ISSUED, Kind.DATA_REFUSED, Kind.TOKEN_REVOKED}
    assert {each.get("visible_from") for each in found.values()} == {
        "2026-12-24T09:00:00.000000+00:00"
    }
    assert seen(flow, access, timedelta(days=30, seconds=-1)) == []
    assert len(seen(flow, access, timedelta(days=30))) == 3


def test_without_such_a_law_a_use_is_seen_at_once(ledger: Ledger) -> None:
    flow = Flow(ledger, LAW, organisation="kela")
    access = flow.access(given(flow))
    assert access.visible_from is None
    assert seen(flow, access, timedelta()) == [Kind.TOKEN_ISSUED]


def test_what_a_person_chose_is_never_kept_back(ledger: Ledger) -> None:
    made = Flow(ledger).given()
    assert made.access.visible_from is None


@pytest.mark.parametrize("kind", [Kind.TOKEN_ISSUED, Kind.DATA_REFUSED])
def test_an_event_of_a_decision_names_the_rules(flow: Flow, kind: Kind) -> None:
    access = flow.access(given(flow))
    assert isinstance(decided(flow, access), Denial)
    version = catalogue().purpose(LAW).version + 1
    named = entries(flow, access)[kind].many("policy")
    assert named[:2] == (f"sha256:{RULES}", f"{LAW}@{version}")


def test_a_permit_names_the_rules_for_the_event_of_the_release(ledger: Ledger) -> None:
    ledger.rules = RULES
    flow = Flow(ledger)
    made = flow.given()
    permit = flow.fetch(made.access, (GROSS,))
    assert isinstance(permit, Permit)
    version = catalogue().purpose(flow.purpose_id).version
    named = (f"sha256:{RULES}", f"{flow.purpose_id}@{version}")
    assert permit.policy[:2] == named
    told = entries(flow, made.access)
    for kind in (Kind.CONSENT_REQUESTED, Kind.CONSENT_GIVEN, Kind.CODE_ISSUED, Kind.TOKEN_ISSUED):
        assert told[kind].many("policy")[:2] == named, kind


def test_a_refused_token_names_the_rules_too(ledger: Ledger) -> None:
    flow = Flow(ledger)
    made = flow.given()
    flow.withdraw(made)
    assert made.grant.refresh_token is not None
    with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        refused = refresh(uow, made.grant.refresh_token, client=flow.client, jkt=JKT)
    assert isinstance(refused, TokenRefusal)
    version = catalogue().purpose(flow.purpose_id).version
    found = entries(flow, made.access)[Kind.TOKEN_REFUSED]
    assert found.many("policy") == (f"{flow.purpose_id}@{version}",)


def test_a_token_from_before_tokens_had_a_version_opens_nothing(flow: Flow) -> None:
    """What it was given for is not known, and such tokens live for five minutes."""
    grant = given(flow)
    with flow.ledger.engine.begin() as connection:
        connection.execute(update(tables.token).values(purpose_version=None, visible_from=None))
    access = flow.access(grant)
    denial = decided(flow, access, GROSS)
    assert isinstance(denial, Denial)
    assert denial.reason is DenialReason.NO_GROUND
    assert entries(flow, access)[Kind.DATA_REFUSED].many("policy")[0] == f"sha256:{RULES}"
