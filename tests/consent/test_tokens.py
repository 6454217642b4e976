"""Tokens: bound to a key, dead with the consent; what is used once is used once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from audit.model import SYSTEM, Actor, Event, Kind
from audit.unit_of_work import Ledger, UnaccountedChangeError, begin
from consent.authorization_details import AuthorizationDetails, Subject
from consent.clients import register_client
from consent.grants import Grant, RefusalReason, TokenKind, TokenRefusal
from consent.model import Client, ClientStatus, Command
from consent.purposes import purpose
from consent.store import tables
from consent.tokens import (
    access,
    issue_statutory_token,
    refresh,
    revoke,
    use_once,
)
from policies.ids import AttributeId, PurposeId
from policies.reasons import load_reasons
from policies.vocabulary import LegalBasis
from tests.consent.flow import (
    ASKED,
    GROSS,
    JKT,
    NOW,
    Flow,
    catalogue,
    events,
    metadata,
)

_SECOND = timedelta(seconds=1)
_OTHER_KEY = "o" * 43


def _refresh(
    flow: Flow, token: str | None, *, after: timedelta = timedelta(), **changed: Any
) -> Grant | TokenRefusal:
    defaults: dict[str, Any] = {"client": flow.client, "jkt": JKT}
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW + after) as uow:
        return refresh(uow, token or "", **(defaults | changed))


def _revoke(flow: Flow, token: str, client: Client | None = None) -> bool:
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        return revoke(uow, token, client=client or flow.client)


def _reason(result: Grant | TokenRefusal) -> RefusalReason:
    assert isinstance(result, TokenRefusal)
    return result.reason


def _grant(result: Grant | TokenRefusal) -> Grant:
    assert isinstance(result, Grant)
    return result


def _other_client(flow: Flow) -> Client:
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        return register_client(uow, metadata(client_id="another"), catalogue())


def test_a_refresh_token_stays_and_gives_a_token_for_the_key_of_now(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    for _ in range(2):
        grant = _grant(_refresh(flow, given.grant.refresh_token, jkt=_OTHER_KEY))
        assert grant.refresh_token is None
        assert flow.access(grant).jkt == _OTHER_KEY
    assert flow.access(given.grant).active
    assert len(events(ledger, Kind.TOKEN_ISSUED)) == 3


def test_a_refresh_token_lives_as_long_as_the_consent(ledger: Ledger) -> None:
    flow = Flow(ledger)
    token = flow.given().grant.refresh_token
    life = timedelta(days=90)
    assert _grant(_refresh(flow, token, after=life - _SECOND)).expires_in == 1
    assert _reason(_refresh(flow, token, after=life)) is RefusalReason.CONSENT_NOT_ACTIVE


def test_a_withdrawal_ends_the_refresh_token(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    flow.withdraw(given)
    assert _reason(_refresh(flow, given.grant.refresh_token)) is RefusalReason.TOKEN_ENDED


def test_another_client_cannot_refresh(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given, other = flow.given(), _other_client(flow)
    refused = _refresh(flow, given.grant.refresh_token, client=other)
    assert _reason(refused) is RefusalReason.WRONG_CLIENT
    _grant(_refresh(flow, given.grant.refresh_token))


def test_an_access_token_or_nothing_cannot_refresh(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    for token in (given.grant.access_token, "x" * 43, ""):
        assert _reason(_refresh(flow, token)) is RefusalReason.UNKNOWN_TOKEN


def test_a_refresh_token_whose_consent_is_gone_gives_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with ledger.engine.begin() as connection:
        connection.execute(delete(tables.consent))
    assert _reason(_refresh(flow, given.grant.refresh_token)) is RefusalReason.UNKNOWN_TOKEN


_LAW = PurposeId("kela-income-check")
_BY_LAW = AuthorizationDetails(
    purpose=_LAW,
    attributes=(GROSS,),
    case="KELA/7",
    subject=Subject("national_id", "010190-900P", "urn:oid:1.2.246.21"),
)


def _statutory(flow: Flow, **changed: Any) -> Grant | TokenRefusal:
    client = changed.pop("client", flow.client)
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        return issue_statutory_token(
            uow, client, replace(_BY_LAW, **changed), flow.person(), jkt=JKT
        )


@pytest.mark.parametrize(("after", "lives"), [(0, 0), (-1, 0), (7, 7), (900, 300)])
def test_a_token_by_law_ends_when_its_client_asked_and_no_later(
    ledger: Ledger, after: int, lives: int
) -> None:
    flow = Flow(ledger, _LAW, organisation="kela")
    grant = _grant(_statutory(flow, not_after=NOW + timedelta(seconds=after)))
    assert grant.expires_in == lives
    assert flow.access(grant).expires_at == NOW + timedelta(seconds=lives)


def test_the_law_gives_a_token_without_a_subject_in_it(ledger: Ledger) -> None:
    flow = Flow(ledger, _LAW, organisation="kela")
    grant = _grant(_statutory(flow))
    assert (grant.kind, grant.consent, grant.refresh_token) == (TokenKind.STATUTE, None, None)
    assert grant.details == replace(_BY_LAW, subject=None)
    token = flow.access(grant)
    assert (token.kind, token.basis, token.consent) == (
        TokenKind.STATUTE,
        LegalBasis.STATUTE,
        None,
    )
    assert (token.active, token.case, token.attributes) == (True, "KELA/7", (GROSS,))
    (entry,) = events(ledger, Kind.TOKEN_ISSUED)
    assert (entry.subject, entry.get("basis")) == (grant.person, "statute")


@pytest.mark.parametrize(
    ("purpose_id", "organisation", "changed"),
    [
        (_LAW, "kela", {"purpose": PurposeId("unknown")}),
        (_LAW, "kela", {"attributes": (GROSS, AttributeId("studies.degree"))}),
        (_LAW, "debt-counsel", {}),
        (PurposeId("debt-advice"), "debt-counsel", {"purpose": PurposeId("debt-advice")}),
    ],
)
def test_what_the_law_does_not_say_is_refused(
    ledger: Ledger, purpose_id: PurposeId, organisation: str, changed: dict[str, Any]
) -> None:
    flow = Flow(ledger, purpose_id, organisation=organisation)
    assert _reason(_statutory(flow, **changed)) is RefusalReason.NOT_BY_LAW
    assert len(events(ledger, Kind.TOKEN_REFUSED)) == 1


def test_the_declaration_of_another_purpose_gives_no_ground(ledger: Ledger) -> None:
    flow = Flow(ledger, _LAW, organisation="kela")
    with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        by_law = purpose(uow.connection, _LAW)
        asked = replace(_BY_LAW, purpose=PurposeId("kela-unemployment-benefit"))
        given = issue_statutory_token(
            uow, flow.client, asked, flow.person(), jkt=JKT, declaration=by_law
        )
    assert by_law is not None
    assert _reason(given) is RefusalReason.NOT_BY_LAW


def test_a_client_without_client_credentials_gets_no_token_by_law(ledger: Ledger) -> None:
    flow = Flow(ledger, _LAW, organisation="kela", grant_types=["authorization_code"])
    assert _reason(_statutory(flow)) is RefusalReason.GRANT_TYPE


def test_a_client_that_was_stopped_gets_no_token_by_law(ledger: Ledger) -> None:
    flow = Flow(ledger, _LAW, organisation="kela")
    stopped = replace(flow.client, status=ClientStatus.SUSPENDED)
    assert _reason(_statutory(flow, client=stopped)) is RefusalReason.CLIENT_SUSPENDED


def test_a_token_stands_for_the_person_the_client_and_what_was_granted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given(granted=ASKED, details_case="A/7")
    token = given.access
    assert (token.kind, token.consent) == (TokenKind.CONSENT, given.record.consent)
    assert (token.person, token.client) == (given.person, flow.client.id)
    assert (token.organisation, token.purpose) == ("debt-counsel", flow.purpose_id)
    assert (token.attributes, token.case, token.jkt) == (ASKED, "A/7", JKT)
    assert (token.issued_at, token.expires_at) == (NOW, NOW + timedelta(seconds=300))
    assert token.active
    assert token.digest.hex() not in repr(token)


def test_a_refresh_token_or_an_unknown_one_stands_for_nothing(ledger: Ledger) -> None:
    given = Flow(ledger).given()
    with ledger.read() as connection:
        assert access(connection, str(given.grant.refresh_token)) is None
        assert access(connection, "x" * 43) is None
        assert access(connection, "") is None


def test_revoking_an_access_token_ends_it_alone(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    second = _grant(_refresh(flow, given.grant.refresh_token))
    assert _revoke(flow, given.grant.access_token)
    assert not flow.access(given.grant).active
    assert flow.access(second).active
    (entry,) = events(ledger, Kind.TOKEN_REVOKED)
    assert entry.subject == given.person


def test_revoking_a_refresh_token_takes_the_access_tokens_along_and_leaves_the_consent(
    ledger: Ledger,
) -> None:
    flow = Flow(ledger)
    given = flow.given()
    assert _revoke(flow, str(given.grant.refresh_token))
    assert not flow.access(given.grant).active
    assert _reason(_refresh(flow, given.grant.refresh_token)) is RefusalReason.TOKEN_ENDED
    assert events(ledger, Kind.CONSENT_WITHDRAWN) == []


def test_revoking_twice_or_nothing_or_anothers_changes_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given, other = flow.given(), _other_client(flow)
    assert not _revoke(flow, given.grant.access_token, other)
    assert flow.access(given.grant).active
    assert not _revoke(flow, "x" * 43)
    assert _revoke(flow, given.grant.access_token)
    assert not _revoke(flow, given.grant.access_token)
    assert len(events(ledger, Kind.TOKEN_REVOKED)) == 1


def test_a_value_is_used_once_in_its_scope(ledger: Ledger) -> None:
    flow = Flow(ledger)
    later = NOW + timedelta(minutes=1)
    with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        uow.record(Event(kind=Kind.TOKEN_INTROSPECTED))
        assert use_once(uow, "assertion", "jti-1", later)
        assert not use_once(uow, "assertion", "jti-1", later)
        assert use_once(uow, "assertion", "jti-2", later)
        assert use_once(uow, "proof", "jti-1", later)
    with begin(ledger, actor=Actor.client(flow.client.id), now=NOW) as uow:
        assert not use_once(uow, "proof", "jti-1", later)


def test_what_was_rolled_back_was_not_used(ledger: Ledger) -> None:
    later = NOW + timedelta(minutes=1)
    with pytest.raises(UnaccountedChangeError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert use_once(uow, "assertion", "jti-1", later)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(Event(kind=Kind.TOKEN_INTROSPECTED))
        assert use_once(uow, "assertion", "jti-1", later)


@pytest.mark.parametrize("reason", [*RefusalReason, *(each.reason for each in Command)])
def test_every_reason_in_the_log_can_be_explained_in_plain_words(reason: str) -> None:
    assert reason in load_reasons()
