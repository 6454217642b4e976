"""Pushed requests: what is taken, and that an address opens once, for one person."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete

from audit.model import SYSTEM, Actor, Kind
from audit.unit_of_work import Ledger, begin
from consent.clients import suspend_client
from consent.model import OPEN_FOR, Consent, Status
from consent.pushed import (
    URN,
    PushedRequestError,
    RequestUriError,
    open_request,
    push,
    pushed,
    request_of,
)
from consent.reading import consents_of
from consent.store import tables
from policies.ids import AttributeId, ClientId, ConsentId, PersonId, PurposeId, SessionId
from tests.consent.flow import ASKED, JKT, NOW, REDIRECT, Flow, drop_triggers, events


def _open(
    flow: Flow, request_uri: str, person: PersonId, *, after: timedelta = timedelta()
) -> Consent:
    with begin(flow.ledger, actor=Actor.person(person), now=NOW + after) as uow:
        return open_request(uow, request_uri, person, flow.session)


def test_a_pushed_request_is_read_back_as_it_was(ledger: Ledger) -> None:
    flow = Flow(ledger)
    end = NOW + timedelta(days=30)
    changes: dict[str, Any] = {
        "details_case": "A/7",
        "details_uses": 2,
        "details_not_after": end,
        "nonce": "n" * 64,
        "scope": "openid personal_data",
    }
    request_uri = flow.push(**changes)
    assert request_uri.startswith(URN)
    with ledger.read() as connection:
        found = pushed(connection, request_uri)
    assert found is not None
    assert found.request == flow.request(**changes)
    assert (found.pushed_at, found.expires_at) == (NOW, NOW + timedelta(seconds=90))
    assert (found.person, found.consent) == (None, None)


def test_pushing_is_recorded_with_what_was_asked(ledger: Ledger) -> None:
    Flow(ledger).push(details_case="A/7")
    (entry,) = events(ledger, Kind.REQUEST_PUSHED)
    assert entry.many("attributes") == ASKED
    assert (entry.get("case"), entry.get("basis")) == ("A/7", "consent")


@pytest.mark.parametrize(
    ("changes", "parameter", "reason"),
    [
        ({"client": ClientId("another")}, "client_id", "of-another-client"),
        ({"redirect_uri": REDIRECT + "/"}, "redirect_uri", "not-registered"),
        ({"redirect_uri": REDIRECT + "?a=b"}, "redirect_uri", "not-registered"),
        ({"redirect_uri": REDIRECT.upper()}, "redirect_uri", "not-registered"),
        ({"state": ""}, "state", "wrong-form"),
        ({"state": "a" * 2049}, "state", "wrong-form"),
        ({"state": "a\nb"}, "state", "wrong-form"),
        ({"nonce": "n" * 65}, "nonce", "wrong-form"),
        ({"code_challenge": "c" * 42}, "code_challenge", "wrong-form"),
        ({"code_challenge": "c" * 42 + "="}, "code_challenge", "wrong-form"),
        ({"dpop_jkt": "k" * 44}, "dpop_jkt", "wrong-form"),
        ({"scope": "a  b"}, "scope", "wrong-form"),
        ({"scope": "a" * 201}, "scope", "wrong-form"),
        ({"scope": 'a"b'}, "scope", "wrong-form"),
        (
            {"details_purpose": PurposeId("unknown")},
            "authorization_details",
            "purpose-of-another",
        ),
    ],
)
def test_a_wrong_parameter_is_refused_and_nothing_stored(
    ledger: Ledger, changes: dict[str, Any], parameter: str, reason: str
) -> None:
    flow = Flow(ledger)
    with pytest.raises(PushedRequestError) as refused:
        flow.push(**changes)
    assert (refused.value.parameter, refused.value.reason) == (parameter, reason)
    assert events(ledger, Kind.REQUEST_PUSHED) == []


def test_a_purpose_of_another_organisation_is_refused(ledger: Ledger) -> None:
    flow = Flow(ledger, PurposeId("clinic-diabetes-care"))
    asked = (AttributeId("glucose.latest_value"),)
    with pytest.raises(PushedRequestError, match="purpose-of-another"):
        flow.push(details_attributes=asked)


def test_what_the_law_decides_is_never_put_as_a_question(ledger: Ledger) -> None:
    flow = Flow(ledger, PurposeId("kela-income-check"), organisation="kela")
    with pytest.raises(PushedRequestError, match="not-a-choice"):
        flow.push()


def test_a_client_without_the_code_grant_cannot_push(ledger: Ledger) -> None:
    flow = Flow(ledger, grant_types=["client_credentials"], redirect_uris=None)
    with pytest.raises(PushedRequestError, match="response_type: not-for-this-client"):
        flow.push()


def test_a_suspended_client_cannot_push(ledger: Ledger) -> None:
    flow = Flow(ledger)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspended = suspend_client(uow, flow.client.id)
    with (
        pytest.raises(PushedRequestError, match="client_id: suspended"),
        begin(ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        push(uow, suspended, flow.request())


def test_opening_makes_a_consent_that_waits_for_an_answer(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = _open(flow, flow.push(details_case="A/7", details_uses=3), person)
    assert (waiting.status, waiting.version, waiting.person) == (Status.REQUESTED, 0, person)
    assert (waiting.requested, waiting.granted, waiting.refused) == (ASKED, (), ())
    assert (waiting.case, waiting.uses_allowed, waiting.uses_left) == ("A/7", 3, 3)
    assert waiting.expires_at == NOW + OPEN_FOR
    with ledger.read() as connection:
        assert consents_of(connection, person) == [waiting]
    (entry,) = events(ledger, Kind.CONSENT_REQUESTED)
    assert entry.subject == person
    assert entry.get("consent") == f"{waiting.id}@0"


def test_uses_are_the_fewer_of_asked_and_declared(ledger: Ledger) -> None:
    flow = Flow(ledger)
    assert flow.declaration().max_uses == 5
    assert flow.open(flow.person()).uses_allowed == 5
    assert flow.open(flow.person(), details_uses=9).uses_allowed == 5
    assert flow.open(flow.person(), details_uses=2).uses_allowed == 2


def test_a_request_waits_no_longer_than_what_it_asks_for_lasts(ledger: Ledger) -> None:
    flow = Flow(ledger)
    end = NOW + timedelta(days=2)
    waiting = flow.open(flow.person(), details_not_after=end)
    assert (waiting.expires_at, waiting.requested_not_after) == (end, end)


def test_the_same_person_sees_the_same_request_again_also_after_its_lifetime(
    ledger: Ledger,
) -> None:
    flow = Flow(ledger)
    person, request_uri = flow.person(), flow.push()
    first = _open(flow, request_uri, person)
    assert _open(flow, request_uri, person, after=timedelta(days=3)) == first
    assert len(events(ledger, Kind.CONSENT_REQUESTED)) == 1


def test_another_person_cannot_open_what_was_opened(ledger: Ledger) -> None:
    flow = Flow(ledger)
    request_uri = flow.push()
    _open(flow, request_uri, flow.person())
    with pytest.raises(RequestUriError) as refused:
        _open(flow, request_uri, flow.person())
    assert refused.value.reason == "of-another-person"


def test_an_address_ends_after_ninety_seconds(ledger: Ledger) -> None:
    flow = Flow(ledger)
    request_uri = flow.push()
    with pytest.raises(RequestUriError, match="expired"):
        _open(flow, request_uri, flow.person(), after=timedelta(seconds=90))
    _open(flow, request_uri, flow.person(), after=timedelta(seconds=89))


@pytest.mark.parametrize("request_uri", ["", URN, URN + "x" * 43, "https://agency.example/r"])
def test_an_unknown_address_opens_nothing(ledger: Ledger, request_uri: str) -> None:
    flow = Flow(ledger)
    with pytest.raises(RequestUriError, match="unknown"):
        _open(flow, request_uri, flow.person())
    with ledger.read() as connection:
        assert pushed(connection, request_uri) is None


def test_a_request_of_a_client_that_was_stopped_opens_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    request_uri = flow.push()
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspend_client(uow, flow.client.id)
    with pytest.raises(RequestUriError, match="client-suspended"):
        _open(flow, request_uri, flow.person())


def test_the_request_of_a_consent_is_found(ledger: Ledger) -> None:
    flow = Flow(ledger)
    waiting = flow.open(flow.person())
    with ledger.read() as connection:
        request = request_of(connection, waiting.id)
        assert request_of(connection, ConsentId(uuid4())) is None
    assert request is not None
    assert (request.dpop_jkt, request.state) == (JKT, "state-1")


def test_a_principal_is_one_name_towards_one_organisation_and_another_for_another_person(
    ledger: Ledger,
) -> None:
    flow = Flow(ledger)
    person = flow.person()
    first, second = flow.open(person), flow.open(person)
    assert first.principal == second.principal != flow.open(flow.person()).principal
    assert str(person) not in first.principal


@pytest.mark.parametrize(
    "missing", [tables.client, tables.purpose, tables.consent], ids=lambda table: table.name
)
def test_a_request_whose_other_rows_are_gone_opens_nothing(ledger: Ledger, missing: Any) -> None:
    flow = Flow(ledger)
    request_uri, person = flow.push(), flow.person()
    if missing is tables.consent:
        _open(flow, request_uri, person)
    with ledger.engine.begin() as connection:
        drop_triggers(connection, missing.name)
        connection.execute(delete(missing))
    with pytest.raises(RequestUriError):
        _open(flow, request_uri, person)


def test_sessions_are_no_part_of_who_may_reload(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person, request_uri = flow.person(), flow.push()
    first = _open(flow, request_uri, person)
    flow.session = SessionId(uuid4())
    assert _open(flow, request_uri, person) == first
