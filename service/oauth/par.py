"""POST /oauth/par: an agency pushes its request before it sends anybody to us (RFC 9126)."""

from functools import partial

from audit.model import Kind
from audit.unit_of_work import UnitOfWork
from consent.asking import check_given, purpose_to_ask
from consent.authorization_details import AuthorizationDetails, AuthorizationDetailsError, parse
from consent.pushed import (
    LIFETIME,
    Accepted,
    PushedRequest,
    PushedRequestError,
    accept,
    reference,
)
from service.exchange import Answer, Call
from service.oauth.authenticated import Asked, Endpoint, ProofIs, serve
from service.oauth.errors import OAuthError, Reason
from service.oauth.parameters import Parameters
from service.oauth.server import AuthorizationServer

ENDPOINT = Endpoint("par", Kind.REQUEST_REFUSED, ProofIs.WELCOME)
_REFUSED_BY_PARAMETER = {
    "response_type": Reason.GRANT_TYPE_NOT_ALLOWED,
    "redirect_uri": Reason.REDIRECT_URI,
    "authorization_details": Reason.DETAILS,
    "scope": Reason.SCOPE,
}


def answer(server: AuthorizationServer, call: Call) -> Answer:
    """Store the request; the client gets an address for it that lives 90 seconds."""
    return serve(server, call, ENDPOINT, _push, _pushed)


def _push(uow: UnitOfWork, asked: Asked) -> Accepted:
    parameters = asked.parameters
    _check_fixed(parameters)
    check_resource(parameters, asked.server.issuer)
    request = PushedRequest(
        client=asked.client.id,
        redirect_uri=parameters.need("redirect_uri"),
        state=parameters.get("state"),
        nonce=parameters.get("nonce"),
        code_challenge=parameters.need("code_challenge"),
        dpop_jkt=_bound_key(asked),
        details=_details(uow, asked),
    )
    try:
        return accept(uow, asked.client, request)
    except PushedRequestError as error:
        reason = _REFUSED_BY_PARAMETER.get(error.parameter, Reason.PARAMETER_FORM)
        raise OAuthError(reason, f"{error.parameter}: {error.reason}") from error


def check_resource(parameters: Parameters, issuer: str) -> None:
    """One protected resource stands behind this server (RFC 8707). Raises OAuthError."""
    resource = parameters.get("resource")
    if resource is not None and resource.removesuffix("/") != issuer:
        raise OAuthError(Reason.TARGET)


def _check_fixed(parameters: Parameters) -> None:
    """What can only have one value in this profile."""
    if parameters.get("request_uri"):  # RFC 9126 section 2.1
        raise OAuthError(Reason.REQUEST_URI)
    if parameters.get("request"):
        raise OAuthError(Reason.REQUEST_OBJECT)
    if parameters.need("response_type") != "code":
        raise OAuthError(Reason.RESPONSE_TYPE)
    if parameters.get("response_mode") not in {None, "query"}:
        raise OAuthError(Reason.RESPONSE_MODE)
    # Without a method RFC 7636 would mean "plain", which protects nothing.
    if parameters.need("code_challenge_method") != "S256":
        raise OAuthError(Reason.CHALLENGE_METHOD)
    if parameters.get("scope"):
        raise OAuthError(Reason.SCOPE)


def _bound_key(asked: Asked) -> str | None:
    """The key to which the code is bound (RFC 9449 section 10.1)."""
    named = asked.parameters.get("dpop_jkt")
    if asked.proof is None:
        return named
    if named not in {None, asked.proof.jkt}:
        raise OAuthError(Reason.PROOF_KEY_DIFFERS)
    return asked.proof.jkt


def _details(uow: UnitOfWork, asked: Asked) -> AuthorizationDetails:
    text = asked.parameters.need("authorization_details")
    declared = partial(purpose_to_ask, uow.connection, client=asked.client, now=uow.now)
    try:
        details = parse(text, declaration=declared)
        check_given(uow.connection, details, asked.server.runtime.catalogue)
    except AuthorizationDetailsError as error:
        raise OAuthError(Reason.DETAILS, f"{error.member}: {error.reason}") from error
    return details


def _pushed(accepted: Accepted) -> Answer:
    """Where the limits narrowed the request, the client hears how and by which rule."""
    seconds = int(LIFETIME.total_seconds())
    narrowed = {
        "authorization_details": [accepted.details.to_json()],
        "narrowed_by": list(accepted.narrowed),
    }
    return Answer.json(
        {
            "request_uri": accepted.request_uri,
            "expires_in": seconds,
            "consent_reference": str(reference(accepted.request_uri)),
            **(narrowed if accepted.narrowed else {}),
        },
        201,
    )
