"""Tokens of sources: given to who is registered for them, and over when they end."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, begin
from consent.authorization_details import AuthorizationDetails
from consent.client_metadata import ClientMetadataError
from consent.clients import register_client, suspend_client
from consent.deposit_details import DepositDetails
from consent.deposit_tokens import (
    LIFETIME,
    DepositAccess,
    DepositGrant,
    deposit_access,
    issue_deposit_token,
    revoke_deposit_token,
    why_no_deposit,
)
from consent.grants import RefusalReason, TokenRefusal
from consent.model import Client
from consent.pushed import PushedRequest, PushedRequestError, push
from consent.store import deposit_tokens as store
from consent.store.tables import deposit_token as table
from consent.tokens import issue_statutory_token
from policies.ids import ClientId, DatasetId, PersonId, PurposeId
from tests.consent.flow import GROSS, JKT, NOW, REDIRECT, catalogue, challenge, events, metadata

INCOME, PERSON = DatasetId("income"), DatasetId("person")


def registered(ledger: Ledger, **changed: object) -> Client:
    members = {
        "client_id": "tax-1",
        "organisation": "tax-admin",
        "authorization_details_types": ["deposit"],
    }
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return register_client(uow, metadata(**(members | changed)), catalogue())


@pytest.fixture
def client(ledger: Ledger) -> Client:
    return registered(ledger)


def asked(ledger: Ledger, client: Client, now: datetime = NOW) -> DepositGrant | TokenRefusal:
    with begin(ledger, actor=Actor.client(client.id), now=now) as uow:
        return issue_deposit_token(uow, client, DepositDetails((INCOME,)), jkt=JKT)


def given(ledger: Ledger, client: Client, now: datetime = NOW) -> DepositGrant:
    grant = asked(ledger, client, now)
    assert isinstance(grant, DepositGrant)
    return grant


def access(ledger: Ledger, token: str) -> DepositAccess:
    with ledger.read() as connection:
        found = deposit_access(connection, token)
    assert found is not None
    return found


def why_not(
    ledger: Ledger, found: DepositAccess, dataset: DatasetId = INCOME, now: datetime = NOW
) -> RefusalReason | None:
    with ledger.read() as connection:
        return why_no_deposit(connection, found, dataset, now)


def test_a_token_stands_for_the_data_sets_of_its_source(ledger: Ledger, client: Client) -> None:
    grant = given(ledger, client)
    found = access(ledger, grant.access_token)
    assert (found.client, found.organisation, found.datasets) == ("tax-1", "tax-admin", (INCOME,))
    assert (found.jkt, found.expires_at) == (JKT, NOW + LIFETIME)
    assert found.active
    assert why_not(ledger, found) is None
    (event,) = events(ledger, Kind.DEPOSIT_ALLOWED)
    assert (event.event_id, event.get("token")) == (grant.event_id, found.logged)
    assert grant.access_token not in repr(grant)


def test_only_its_digest_is_stored(ledger: Ledger, client: Client) -> None:
    grant = given(ledger, client)
    with ledger.read() as connection:
        rows = connection.execute(select(table)).all()
    assert grant.access_token not in repr(rows)


def test_what_is_no_token_stands_for_nothing(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert deposit_access(connection, "x" * 43) is None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"authorization_details_types": ["personal_data"]}, RefusalReason.DETAILS_TYPE),
        ({"authorization_details_types": None}, RefusalReason.DETAILS_TYPE),
        (
            {
                "grant_types": ["authorization_code"],
                "authorization_details_types": ["personal_data"],
            },
            RefusalReason.GRANT_TYPE,
        ),
    ],
)
def test_who_is_not_registered_for_it_gets_none(
    ledger: Ledger, changed: dict[str, object], reason: RefusalReason
) -> None:
    refused = asked(ledger, registered(ledger, **changed))
    assert isinstance(refused, TokenRefusal)
    assert refused.reason is reason
    (event,) = events(ledger, Kind.TOKEN_REFUSED)
    assert event.get("reason") == reason


def test_a_suspended_client_gets_none(ledger: Ledger, client: Client) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspended = suspend_client(uow, client.id)
    refused = asked(ledger, suspended)
    assert isinstance(refused, TokenRefusal)
    assert refused.reason is RefusalReason.CLIENT_SUSPENDED


def test_another_data_set_is_not_taken_by_it(ledger: Ledger, client: Client) -> None:
    found = access(ledger, given(ledger, client).access_token)
    assert why_not(ledger, found, PERSON) is RefusalReason.OTHER_DATASET


def test_it_ends_in_time(ledger: Ledger, client: Client) -> None:
    found = access(ledger, given(ledger, client).access_token)
    just_before = NOW + LIFETIME - timedelta(microseconds=1)
    assert why_not(ledger, found, now=just_before) is None
    assert why_not(ledger, found, now=NOW + LIFETIME) is RefusalReason.TOKEN_ENDED


def test_it_ends_with_its_client(ledger: Ledger, client: Client) -> None:
    found = access(ledger, given(ledger, client).access_token)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        suspend_client(uow, client.id)
    assert why_not(ledger, found) is RefusalReason.CLIENT_SUSPENDED


def test_its_client_ends_it_once_and_nobody_else_does(ledger: Ledger, client: Client) -> None:
    token = given(ledger, client).access_token
    found = access(ledger, token)
    with begin(ledger, actor=Actor.client(client.id), now=NOW) as uow:
        assert not revoke_deposit_token(uow, token, client=replace(client, id=ClientId("tax-2")))
        assert revoke_deposit_token(uow, token, client=client)
        assert not revoke_deposit_token(uow, token, client=client)
    assert why_not(ledger, found) is RefusalReason.TOKEN_ENDED
    assert not access(ledger, token).active
    (event,) = events(ledger, Kind.TOKEN_REVOKED)
    assert event.get("token") == found.logged


def test_a_token_that_is_not_there_any_more_takes_nothing(ledger: Ledger, client: Client) -> None:
    found = replace(access(ledger, given(ledger, client).access_token), digest=b"\x00" * 32)
    assert why_not(ledger, found) is RefusalReason.TOKEN_ENDED


def test_tokens_that_ended_long_ago_are_swept_away(ledger: Ledger, client: Client) -> None:
    given(ledger, client)
    later = NOW + LIFETIME + store.KEPT_AFTER_END
    with begin(ledger, actor=SYSTEM, now=later) as uow:
        event_id = uow.record(Event(kind=Kind.DEPOSIT_ALLOWED, client=client.id))
        store.add(
            uow.connection,
            b"\x00" * 32,
            client_id=client.id,
            organisation=client.organisation,
            datasets=(INCOME,),
            jkt=JKT,
            issued_at=later,
            expires_at=later + LIFETIME,
            event_id=event_id,
        )
    with ledger.read() as connection:
        left = connection.execute(select(table.c.audit_event_id)).scalars().all()
        assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 1
    assert left == [event_id]


def test_who_is_registered_to_deposit_only_asks_nobody_for_anything(
    ledger: Ledger, client: Client
) -> None:
    details = AuthorizationDetails(purpose=PurposeId("debt-advice"), attributes=(GROSS,))
    request = PushedRequest(
        client=client.id,
        redirect_uri=REDIRECT,
        state=None,
        nonce=None,
        code_challenge=challenge(),
        dpop_jkt=None,
        details=details,
    )
    with begin(ledger, actor=Actor.client(client.id), now=NOW) as uow:
        with pytest.raises(PushedRequestError) as refused:
            push(uow, client, request)
        uow.record(Event(kind=Kind.REQUEST_REFUSED))
    assert refused.value.parameter == "authorization_details"
    assert refused.value.reason == "type-not-registered"


def test_who_is_registered_to_deposit_only_gets_no_token_by_law(
    ledger: Ledger, client: Client
) -> None:
    details = AuthorizationDetails(purpose=PurposeId("kela-income-check"), attributes=(GROSS,))
    with begin(ledger, actor=Actor.client(client.id), now=NOW) as uow:
        refused = issue_statutory_token(uow, client, details, PersonId(uuid4()), jkt=JKT)
    assert isinstance(refused, TokenRefusal)
    assert refused.reason is RefusalReason.DETAILS_TYPE


def test_who_keeps_no_source_cannot_be_registered_to_deposit(ledger: Ledger) -> None:
    with pytest.raises(ClientMetadataError) as refused:
        registered(ledger, organisation="kela")
    assert refused.value.member == "authorization_details_types"
    assert refused.value.reason == "keeps-no-source"
