"""A client takes back what it asked and nobody has answered, and nothing of others."""

from dataclasses import replace

import pytest

from audit.model import Actor
from audit.unit_of_work import Ledger, begin
from consent.cancelling import cancel_request
from consent.lifecycle import IllegalTransitionError
from consent.model import Client, Consent, Status
from consent.pushed import RequestUriError, open_request
from policies.ids import ClientId
from tests.consent.flow import NOW, Flow


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def opened(flow: Flow, uri: str) -> Consent:
    person = flow.person()
    with begin(flow.ledger, actor=Actor.person(person), now=NOW) as uow:
        return open_request(uow, uri, person, flow.session)


def cancelled(flow: Flow, uri: str, client: Client | None = None) -> Consent:
    asking = client or flow.client
    with begin(flow.ledger, actor=Actor.client(asking.id), now=NOW) as uow:
        return cancel_request(uow, asking, uri)


def test_what_waits_is_closed_and_cannot_be_given(flow: Flow) -> None:
    uri = flow.push()
    waiting = opened(flow, uri)
    assert cancelled(flow, uri).status is Status.CANCELLED
    with pytest.raises(IllegalTransitionError):
        flow.give(waiting.id, waiting.person)


def test_what_was_answered_is_not_closed(flow: Flow) -> None:
    uri = flow.push()
    waiting = opened(flow, uri)
    flow.give(waiting.id, waiting.person)
    with pytest.raises(IllegalTransitionError):
        cancelled(flow, uri)


def test_what_nobody_has_opened_and_what_another_asked_is_none(flow: Flow) -> None:
    uri = flow.push()
    with pytest.raises(RequestUriError):
        cancelled(flow, uri)
    opened(flow, uri)
    for other in (replace(flow.client, id=ClientId("other")), None):
        with pytest.raises(RequestUriError):
            cancelled(flow, uri if other else f"{uri}x", other)
