"""POST /oauth/token: a code, a refresh token or the law, for an access token.

RFC 6749 sections 4.1.3, 4.4.2 and 6; RFC 9396 section 6; every token is bound by RFC 9449.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from audit.model import Kind
from audit.unit_of_work import UnitOfWork
from consent.deposit_tokens import DepositGrant
from consent.grants import Grant, RefusalReason, TokenRefusal
from consent.tokens import redeem_code, refresh
from policies.ids import OrganisationId
from service.exchange import Answer, Call
from service.oauth.authenticated import Asked, Endpoint, ProofIs, serve
from service.oauth.by_law import statutory_token
from service.oauth.deposit import asks_to_deposit, deposit_token
from service.oauth.errors import OAuthError, Reason, error_answer
from service.oauth.par import check_resource
from service.oauth.server import AuthorizationServer

ENDPOINT = Endpoint("token", Kind.TOKEN_REFUSED, ProofIs.NEEDED)

_REASONS = {
    RefusalReason.CLIENT_SUSPENDED: Reason.CLIENT_SUSPENDED,
    RefusalReason.GRANT_TYPE: Reason.GRANT_TYPE_NOT_ALLOWED,
    RefusalReason.NOT_BY_LAW: Reason.NOT_BY_LAW,
    RefusalReason.DETAILS_TYPE: Reason.DETAILS_TYPE,
    RefusalReason.CONSENT_NOT_ACTIVE: Reason.CONSENT_NOT_ACTIVE,
    RefusalReason.UNKNOWN_TOKEN: Reason.REFRESH_TOKEN,
    RefusalReason.TOKEN_ENDED: Reason.REFRESH_TOKEN,
}
"""All others are about a code."""
_TOLD = frozenset(
    {
        RefusalReason.CODE_REPLAYED,
        RefusalReason.CODE_ENDED,
        RefusalReason.REDIRECT_DIFFERS,
        RefusalReason.VERIFIER_DIFFERS,
        RefusalReason.KEY_DIFFERS,
    }
)
"""Said to the client in detail: they arise only with the client's own code."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A grant, with the name under which the client knows the person."""

    grant: Grant
    organisation: OrganisationId
    subject: str = field(repr=False)
    uow: UnitOfWork = field(repr=False)
    """In which the token was issued."""


@dataclass(frozen=True, slots=True)
class IssuedToSource:
    """A token with which a source may hand in; it is about nobody."""

    grant: DepositGrant
    uow: UnitOfWork = field(repr=False)
    """In which the token was issued."""


def answer(server: AuthorizationServer, call: Call) -> Answer:
    """A token or a refusal, recorded either way."""
    return serve(server, call, ENDPOINT, _issue, lambda result: _answer(server, result))


def _issue(uow: UnitOfWork, asked: Asked) -> Issued | IssuedToSource | TokenRefusal:
    grant_type = asked.parameters.need("grant_type")
    grant = _GRANTS.get(grant_type)
    if grant is None:
        raise OAuthError(Reason.GRANT_TYPE_UNKNOWN)
    if grant_type not in asked.client.grant_types:
        raise OAuthError(Reason.GRANT_TYPE_NOT_ALLOWED)
    check_resource(asked.parameters, asked.server.issuer)
    given = grant(uow, asked)
    if isinstance(given, TokenRefusal):
        return given
    if isinstance(given, DepositGrant):
        return IssuedToSource(given, uow)
    sector = asked.client.organisation
    return Issued(given, sector, asked.server.pseudonyms.issue(uow, given.person, sector), uow)


def _by_code(uow: UnitOfWork, asked: Asked) -> Grant | TokenRefusal:
    return redeem_code(
        uow,
        asked.parameters.need("code"),
        client=asked.client,
        code_verifier=asked.parameters.need("code_verifier"),
        redirect_uri=asked.parameters.get("redirect_uri"),
        jkt=asked.jkt,
    )


def _by_refresh_token(uow: UnitOfWork, asked: Asked) -> Grant | TokenRefusal:
    token = asked.parameters.need("refresh_token")
    return refresh(uow, token, client=asked.client, jkt=asked.jkt)


def _by_credentials(uow: UnitOfWork, asked: Asked) -> Grant | DepositGrant | TokenRefusal:
    return deposit_token(uow, asked) if asks_to_deposit(asked) else statutory_token(uow, asked)


_GRANTS: dict[str, Callable[[UnitOfWork, Asked], Grant | DepositGrant | TokenRefusal]] = {
    "authorization_code": _by_code,
    "refresh_token": _by_refresh_token,
    "client_credentials": _by_credentials,
}


def _answer(server: AuthorizationServer, result: Issued | IssuedToSource | TokenRefusal) -> Answer:
    if isinstance(result, TokenRefusal):
        reason = _REASONS.get(result.reason, Reason.CODE)
        detail = result.reason.value if result.reason in _TOLD else None
        return error_answer(OAuthError(reason, detail))
    promise = {"event_promise": server.promise(result.uow, result.grant.event_id)}
    if isinstance(result, IssuedToSource):
        return Answer.json(_to_source(result.grant) | promise)
    server.pseudonyms.remember(result.grant.person, result.organisation, result.subject)
    return Answer.json(_content(result) | promise)


def _to_source(grant: DepositGrant) -> dict[str, object]:
    return {
        "access_token": grant.access_token,
        "token_type": "DPoP",
        "expires_in": grant.expires_in,
        "authorization_details": [grant.details.to_json()],
    }


def _content(issued: Issued) -> dict[str, object]:
    """RFC 6749 section 5.1 and RFC 9396 section 7: exactly what was granted."""
    grant = issued.grant
    subject = {"format": "opaque", "id": issued.subject}
    content: dict[str, object] = {
        "access_token": grant.access_token,
        "token_type": "DPoP",
        "expires_in": grant.expires_in,
        "authorization_details": [{**grant.details.to_json(), "subject": subject}],
    }
    if grant.refresh_token is not None:
        content["refresh_token"] = grant.refresh_token
    return content
