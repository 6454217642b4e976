"""A client takes back its own request before it is answered, and nothing else."""

import json

import pytest

from audit.model import Actor, Kind
from audit.unit_of_work import begin
from consent.lifecycle import IllegalTransitionError
from consent.model import Consent, Status
from consent.pushed import RequestUriError, open_request
from consent.reading import consent
from policies.ids import SessionId, new_uuid
from service.api.cancelling import PATH, answer
from service.exchange import Answer, Call
from tests.consent.flow import events
from tests.service.house import House
from tests.service.office import PUSHED, Office, Program, content


def pushed(office: Office) -> str:
    uri: str = content(office.send(office.program.form("/oauth/par", PUSHED)))["request_uri"]
    return uri


def opened(office: Office, uri: str) -> Consent:
    with begin(office.runtime.ledger, actor=Actor.person(office.person), now=office.clock()) as uow:
        return open_request(uow, uri, office.person, SessionId(new_uuid()))


def taken_back(office: Office, body: object, program: Program | None = None) -> Answer:
    who = program or office.program
    headers = [(b"client-assertion", who.assertion().encode())]
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answer(office.server, Call("POST", PATH, headers, b"", sent))


def status(office: Office, waiting: Consent) -> Status:
    with office.runtime.ledger.read() as connection:
        found = consent(connection, waiting.id)
    assert found is not None
    return found.status


def test_what_waits_is_taken_back(each_office: Office) -> None:
    uri = pushed(each_office)
    waiting = opened(each_office, uri)
    made = taken_back(each_office, {"request_uri": uri})
    assert (made.status, content(made)) == (200, {"status": "cancelled"})
    assert status(each_office, waiting) is Status.CANCELLED
    (said,) = events(each_office.runtime.ledger, Kind.CONSENT_CANCELLED)
    assert said.get("reason") == "cancel-request"


def test_what_has_ended_is_not_taken_back_and_nothing_is_written(office: Office) -> None:
    uri = pushed(office)
    opened(office, uri)
    taken_back(office, {"request_uri": uri})
    with pytest.raises(IllegalTransitionError):
        taken_back(office, {"request_uri": uri})
    assert len(events(office.runtime.ledger, Kind.CONSENT_CANCELLED)) == 1


def test_what_nobody_opened_or_another_client_asked_is_no_request(office: Office) -> None:
    uri = pushed(office)
    with pytest.raises(RequestUriError):
        taken_back(office, {"request_uri": uri})
    waiting = opened(office, uri)
    with pytest.raises(RequestUriError):
        taken_back(office, {"request_uri": uri}, office.authority)
    assert status(office, waiting) is Status.REQUESTED


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", {}, {"request_uri": 1}, {"request_uri": "urn:x", "more": 1}]
)
def test_a_body_of_another_form_is_not_understood(office: Office, body: object) -> None:
    assert taken_back(office, body).status == 400


def test_the_route_answers_refusals_as_problems(each_house: House, each_office: Office) -> None:
    headers = {"Client-Assertion": each_office.program.assertion()}
    made = each_house.visitor().post(PATH, headers=headers, json={"request_uri": "urn:none"})
    assert made.status_code == 404
    assert made.headers["content-type"] == "application/problem+json"
