"""After a restore nothing opens that stood for minutes; what stands for a consent stands."""

import pytest

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, UnaccountedChangeError, begin
from consent.clients import register_client
from consent.decisions import Denial
from consent.deposit_details import DepositDetails
from consent.deposit_tokens import DepositGrant, deposit_access, issue_deposit_token
from consent.grants import Grant, TokenRefusal
from consent.handles import end_handles
from consent.tokens import refresh
from policies.ids import DatasetId
from tests.consent.flow import JKT, NOW, Flow, catalogue, metadata


@pytest.fixture
def flow(ledger: Ledger) -> Flow:
    return Flow(ledger)


def end(ledger: Ledger) -> int:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        ended = end_handles(uow)
        uow.record(Event(kind=Kind.BACKUP_RESTORED))
    return ended


def source_token(ledger: Ledger) -> str:
    members = {
        "client_id": "tax-1",
        "organisation": "tax-admin",
        "authorization_details_types": ["deposit"],
    }
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        client = register_client(uow, metadata(**members), catalogue())
    with begin(ledger, actor=Actor.client(client.id), now=NOW) as uow:
        details = DepositDetails((DatasetId("income"),))
        grant = issue_deposit_token(uow, client, details, jkt=JKT)
    assert isinstance(grant, DepositGrant)
    return grant.access_token


def test_an_access_token_opens_nothing_and_its_refresh_token_goes_on(flow: Flow) -> None:
    given = flow.given()
    assert end(flow.ledger) == 1
    assert isinstance(flow.fetch(given.access), Denial)
    assert given.grant.refresh_token is not None
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        again = refresh(uow, given.grant.refresh_token, client=flow.client, jkt=JKT)
    assert isinstance(again, Grant)
    assert not isinstance(flow.fetch(flow.access(again)), Denial)


def test_a_code_is_worth_nothing_any_more(flow: Flow) -> None:
    person = flow.person()
    consent = flow.open(person)
    flow.give(consent.id, person)
    code = flow.code(consent.id, person)
    assert end(flow.ledger) == 1
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        assert isinstance(flow.redeem(uow, code), TokenRefusal)


def test_a_source_hands_in_nothing_with_its_old_token(ledger: Ledger) -> None:
    token = source_token(ledger)
    assert end(ledger) == 1
    with ledger.read() as connection:
        found = deposit_access(connection, token)
    assert found is None or not found.active


def test_what_has_ended_is_not_ended_again(flow: Flow) -> None:
    flow.given()
    assert (end(flow.ledger), end(flow.ledger)) == (1, 0)


def test_it_is_never_done_without_an_event(flow: Flow) -> None:
    given = flow.given()
    with (
        pytest.raises(UnaccountedChangeError),
        begin(flow.ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        end_handles(uow)
    assert not isinstance(flow.fetch(given.access), Denial)
