"""Codes: issued to the person, redeemed once, by the right client with the right key."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, update

from audit.model import SYSTEM, Actor, Kind
from audit.unit_of_work import Ledger, begin
from consent.authorization_details import AuthorizationDetails
from consent.choices import withdraw
from consent.clients import register_client, suspend_client
from consent.grants import Grant, RefusalReason, TokenKind, TokenRefusal
from consent.model import Client, ConsentRef, Status
from consent.opaque import stored_digest
from consent.store import tables
from consent.tokens import (
    CodeNotIssuedError,
    issue_code,
    refresh,
)
from policies.ids import ConsentId, PersonId
from policies.vocabulary import LevelOfAssurance
from tests.consent.flow import (
    JKT,
    NEEDED,
    NOW,
    REDIRECT,
    Flow,
    catalogue,
    events,
    metadata,
)

_SECOND = timedelta(seconds=1)
_OTHER_KEY = "o" * 43


def _redeem(
    flow: Flow, code: str, *, after: timedelta = timedelta(), **changed: Any
) -> Grant | TokenRefusal:
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW + after) as uow:
        result = flow.redeem(uow, code, **changed)
    assert isinstance(result, Grant | TokenRefusal)
    return result


def _refresh(
    flow: Flow, token: str | None, *, after: timedelta = timedelta(), **changed: Any
) -> Grant | TokenRefusal:
    defaults: dict[str, Any] = {"client": flow.client, "jkt": JKT}
    with begin(flow.ledger, actor=Actor.client(flow.client.id), now=NOW + after) as uow:
        return refresh(uow, token or "", **(defaults | changed))


def _reason(result: Grant | TokenRefusal) -> RefusalReason:
    assert isinstance(result, TokenRefusal)
    return result.reason


def _grant(result: Grant | TokenRefusal) -> Grant:
    assert isinstance(result, Grant)
    return result


def _other_client(flow: Flow) -> Client:
    with begin(flow.ledger, actor=SYSTEM, now=NOW) as uow:
        return register_client(uow, metadata(client_id="another"), catalogue())


def _consent_with_code(flow: Flow, **changed: Any) -> tuple[PersonId, ConsentId, str]:
    person = flow.person()
    waiting = flow.open(person, **changed)
    flow.give(waiting.id, person)
    return person, waiting.id, flow.code(waiting.id, person)


def test_a_code_goes_where_the_request_said(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    waiting = flow.open(person)
    flow.give(waiting.id, person)
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        issued = issue_code(uow, waiting.id, person=person)
    assert (issued.redirect_uri, issued.state) == (REDIRECT, "state-1")
    assert len(issued.code) == 43
    assert issued.code not in repr(issued)
    assert len(events(ledger, Kind.CODE_ISSUED)) == 1


def test_no_code_for_a_consent_that_is_unknown_or_another_persons(ledger: Ledger) -> None:
    flow = Flow(ledger)
    _, consent_id, _ = _consent_with_code(flow)
    for asked in (consent_id, ConsentId(uuid4())):
        with pytest.raises(CodeNotIssuedError) as refused:
            flow.code(asked, flow.person())
        assert refused.value.reason == "unknown"


def test_no_code_for_a_request_that_nobody_has_answered(ledger: Ledger) -> None:
    flow = Flow(ledger)
    waiting = flow.open(flow.person())
    with pytest.raises(CodeNotIssuedError, match="not-active"):
        flow.code(waiting.id, waiting.person)


def test_no_code_for_a_consent_that_has_ended(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person = flow.person()
    end = NOW + _SECOND
    waiting = flow.open(person, details_not_after=end)
    flow.give(waiting.id, person)
    with pytest.raises(CodeNotIssuedError, match="not-active"):
        flow.code(waiting.id, person, now=end)


def test_a_second_code_ends_the_first(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person, consent_id, first = _consent_with_code(flow)
    second = flow.code(consent_id, person)
    assert _reason(_redeem(flow, first)) is RefusalReason.CODE_ENDED
    _grant(_redeem(flow, second))


def test_after_a_code_was_redeemed_no_more_are_issued(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person, consent_id, code = _consent_with_code(flow)
    _grant(_redeem(flow, code))
    with pytest.raises(CodeNotIssuedError, match="redeemed-before"):
        flow.code(consent_id, person)


def test_a_code_gives_tokens_for_exactly_what_was_granted(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person, consent_id, code = _consent_with_code(flow, details_case="A/7", details_uses=2)
    grant = _grant(_redeem(flow, code))
    assert (grant.kind, grant.expires_in) == (TokenKind.CONSENT, 300)
    assert (grant.person, grant.consent) == (person, ConsentRef(consent_id, 1))
    assert grant.details == AuthorizationDetails(
        purpose=flow.purpose_id,
        attributes=NEEDED,
        case="A/7",
        not_after=NOW + timedelta(days=90),
        uses=2,
    )
    assert grant.access_token not in repr(grant)
    assert str(grant.refresh_token) not in repr(grant)
    (entry,) = events(ledger, Kind.TOKEN_ISSUED)
    assert entry.event_id == grant.event_id
    assert entry.many("attributes") == NEEDED


def test_a_client_without_the_refresh_grant_gets_no_refresh_token(ledger: Ledger) -> None:
    flow = Flow(ledger, grant_types=["authorization_code"])
    _, _, code = _consent_with_code(flow)
    assert _grant(_redeem(flow, code)).refresh_token is None


def test_an_access_token_ends_with_a_consent_that_ends_sooner(ledger: Ledger) -> None:
    flow = Flow(ledger)
    _, _, code = _consent_with_code(flow, details_not_after=NOW + timedelta(seconds=100))
    assert _grant(_redeem(flow, code)).expires_in == 100


def test_no_handle_is_stored_as_it_is(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    with ledger.read() as connection:
        stored = set(connection.execute(select(tables.token.c.handle_digest)).scalars())
    assert stored == {
        stored_digest(given.grant.access_token),
        stored_digest(str(given.grant.refresh_token)),
    }


@pytest.mark.parametrize("code", ["", "x" * 43, "ä", "x" * 5000])
def test_an_unknown_code_is_refused_and_recorded(ledger: Ledger, code: str) -> None:
    flow = Flow(ledger)
    assert _reason(_redeem(flow, code)) is RefusalReason.UNKNOWN_CODE
    (entry,) = events(ledger, Kind.TOKEN_REFUSED)
    assert (entry.get("reason"), entry.get("client")) == ("unknown-code", flow.client.id)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"code_verifier": "w" * 43}, RefusalReason.VERIFIER_DIFFERS),
        ({"code_verifier": "v" * 42}, RefusalReason.VERIFIER_DIFFERS),
        ({"code_verifier": "v" * 129}, RefusalReason.VERIFIER_DIFFERS),
        ({"code_verifier": "ä" * 43}, RefusalReason.VERIFIER_DIFFERS),
        ({"redirect_uri": REDIRECT + "/"}, RefusalReason.REDIRECT_DIFFERS),
        ({"jkt": _OTHER_KEY}, RefusalReason.KEY_DIFFERS),
    ],
)
def test_what_is_refused_leaves_the_code_to_the_right_one(
    ledger: Ledger, changed: dict[str, Any], reason: RefusalReason
) -> None:
    flow = Flow(ledger)
    person, _, code = _consent_with_code(flow)
    assert _reason(_redeem(flow, code, **changed)) is reason
    (entry,) = events(ledger, Kind.TOKEN_REFUSED)
    assert (entry.subject, entry.get("reason")) == (person, reason)
    _grant(_redeem(flow, code))


def test_a_wrong_client_does_not_use_the_code_up_nor_end_its_tokens(ledger: Ledger) -> None:
    flow = Flow(ledger)
    other = _other_client(flow)
    _, _, code = _consent_with_code(flow)
    assert _reason(_redeem(flow, code, client=other)) is RefusalReason.WRONG_CLIENT
    grant = _grant(_redeem(flow, code))
    assert _reason(_redeem(flow, code, client=other)) is RefusalReason.WRONG_CLIENT
    assert flow.access(grant).active


def test_the_address_may_be_left_out(ledger: Ledger) -> None:
    flow = Flow(ledger)
    _, _, code = _consent_with_code(flow)
    _grant(_redeem(flow, code, redirect_uri=None))


def test_without_a_key_at_the_request_the_key_at_redemption_counts(ledger: Ledger) -> None:
    flow = Flow(ledger)
    _, _, code = _consent_with_code(flow, dpop_jkt=None)
    grant = _grant(_redeem(flow, code, jkt=_OTHER_KEY))
    assert flow.access(grant).jkt == _OTHER_KEY


def test_a_code_lives_sixty_seconds(ledger: Ledger) -> None:
    flow = Flow(ledger)
    _, _, code = _consent_with_code(flow)
    late = _redeem(flow, code, after=timedelta(seconds=60))
    assert _reason(late) is RefusalReason.CODE_ENDED
    _grant(_redeem(flow, code, after=timedelta(seconds=59)))


def test_a_code_that_comes_back_ends_the_tokens_it_gave(ledger: Ledger) -> None:
    flow = Flow(ledger)
    _, _, code = _consent_with_code(flow)
    grant = _grant(_redeem(flow, code))
    assert _reason(_redeem(flow, code)) is RefusalReason.CODE_REPLAYED
    assert not flow.access(grant).active
    assert _reason(_refresh(flow, grant.refresh_token)) is RefusalReason.TOKEN_ENDED


def test_a_code_of_a_withdrawn_consent_gives_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person, consent_id, code = _consent_with_code(flow)
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        withdraw(uow, consent_id, person=person, loa=LevelOfAssurance.LOW)
    assert _reason(_redeem(flow, code)) is RefusalReason.CODE_ENDED


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.ACTIVE}))
def test_a_code_gives_nothing_while_the_consent_is_not_active(
    ledger: Ledger, status: Status
) -> None:
    flow = Flow(ledger)
    _, _, code = _consent_with_code(flow)
    with ledger.engine.begin() as connection:
        connection.execute(update(tables.consent).values(status=status))
    assert _reason(_redeem(flow, code)) is RefusalReason.CONSENT_NOT_ACTIVE


def test_a_client_that_was_stopped_redeems_and_refreshes_nothing(ledger: Ledger) -> None:
    flow = Flow(ledger)
    given = flow.given()
    _, _, code = _consent_with_code(flow)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        stopped = suspend_client(uow, flow.client.id)
    assert _reason(_redeem(flow, code, client=stopped)) is RefusalReason.CLIENT_SUSPENDED
    refused = _refresh(flow, given.grant.refresh_token, client=stopped)
    assert _reason(refused) is RefusalReason.CLIENT_SUSPENDED
    assert not flow.access(given.grant).active


@pytest.mark.parametrize("table", [tables.consent, tables.pushed_request], ids=lambda t: t.name)
def test_a_code_whose_consent_or_request_is_gone_gives_nothing(ledger: Ledger, table: Any) -> None:
    flow = Flow(ledger)
    _, _, code = _consent_with_code(flow)
    with ledger.engine.begin() as connection:
        connection.execute(delete(table))
    assert _reason(_redeem(flow, code)) is RefusalReason.UNKNOWN_CODE


def test_no_code_for_a_consent_whose_request_is_gone(ledger: Ledger) -> None:
    flow = Flow(ledger)
    person, consent_id, _ = _consent_with_code(flow)
    with ledger.engine.begin() as connection:
        connection.execute(delete(tables.pushed_request))
    with pytest.raises(RuntimeError, match="no request"):
        flow.code(consent_id, person)
