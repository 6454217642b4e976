"""POST /api/v1/requests/cancel: a client takes back a request of its own before it is answered."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from audit.model import Kind
from audit.unit_of_work import UnitOfWork
from consent.cancelling import cancel_request
from consent.model import Consent
from consent.strict_json import StrictJsonError, parse_strict
from service.api.by_key import served
from service.asgi import respond
from service.exchange import Answer, Call
from service.oauth.authenticated import Asked, Endpoint, ProofIs
from service.oauth.errors import OAuthError, Reason
from service.oauth.server import AuthorizationServer

router = APIRouter(tags=["Consents"])

ENDPOINT = Endpoint("cancel", Kind.TOKEN_REFUSED, ProofIs.IGNORED)
PATH = "/api/v1/requests/cancel"
_MOST_BYTES = 1024
_MEMBER = "request_uri"
_URI = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"

_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"description": "Not understood", **_PROBLEM},
    401: {"description": "The program has not shown its key", **_PROBLEM},
    404: {"description": "No request of this client's that somebody has opened", **_PROBLEM},
    409: {"description": "It has been answered, or has ended otherwise", **_PROBLEM},
    429: {"description": "Too many refusals in a minute", **_PROBLEM},
    "4XX": {"description": "Not understood", **_PROBLEM},
}
_ASKED = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": [_MEMBER],
                    "additionalProperties": False,
                    "properties": {_MEMBER: {"type": "string"}},
                },
                "example": {_MEMBER: _URI},
            }
        },
    }
}
_DONE = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["status"],
                "properties": {"status": {"const": "cancelled"}},
            },
            "example": {"status": "cancelled"},
        }
    }
}


@router.post(
    PATH,
    summary="Take back a request that nobody has answered yet",
    responses={200: {"description": "It does not wait any more", **_DONE}, **_REFUSED},
    openapi_extra=_ASKED,
)
async def cancel(
    request: Request,
    client_assertion: Annotated[  # noqa: ARG001  # for the description
        str, Header(description="A JWT as at /oauth/token")
    ] = "",
) -> Response:
    server: AuthorizationServer = request.app.state.server
    return await respond(answer, server, request)


def answer(server: AuthorizationServer, call: Call) -> Answer:
    """Close the request of the body.

    Raises RequestUriError and IllegalTransitionError: then nothing is written at all.
    """

    def effect(uow: UnitOfWork, asked: Asked) -> Consent:
        return cancel_request(uow, asked.client, _request_uri(call))

    return served(server, call, ENDPOINT, effect, lambda _: Answer.json({"status": "cancelled"}))


def _request_uri(call: Call) -> str:
    """Raises OAuthError."""
    try:
        sent = parse_strict(call.body, max_bytes=_MOST_BYTES, max_depth=1)
    except StrictJsonError as error:
        raise OAuthError(Reason.PARAMETER_FORM, error.reason) from error
    match sent:
        case {"request_uri": str(request_uri), **others} if not others:
            return request_uri
    raise OAuthError(Reason.PARAMETER_FORM, _MEMBER)
