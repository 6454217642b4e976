"""The routes of the data API and of the log, with what OpenAPI says of them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from starlette.responses import PlainTextResponse, Response

from policies.deposit_document import SCHEMA as DEPOSIT
from policies.ids import EventId
from policies.schemas import embedded
from service.api import cancelling, feed, log, operation, statuses, timestamps
from service.api.data import DataApi
from service.api.deposits import DepositApi
from service.api.proofs import document_for_token, proof_for_everybody
from service.api.protected import ProtectedResource
from service.asgi import respond
from service.exchange import Answer, Call
from service.pages import runtime_of

router = APIRouter()
router.include_router(feed.router)
router.include_router(cancelling.router)
router.include_router(statuses.router)
router.include_router(log.router, tags=["Log"])
router.include_router(timestamps.router, tags=["Log"])
router.include_router(operation.router, tags=["Operation"])

_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_TOKEN: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": text,
        }
        for name, text in (
            ("Authorization", "`DPoP` and the access token (RFC 9449 section 7.1)"),
            ("DPoP", "A fresh proof with the token's hash"),
        )
    ]
}
_TAKEN: dict[str, Any] = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["event", "event_promise"],
                "properties": {
                    "event": {"type": "string", "format": "uuid"},
                    "event_promise": {"type": "string"},
                },
            }
        }
    }
}
_DEPOSIT: dict[str, Any] = {
    "parameters": [
        *_TOKEN["parameters"],
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "pattern": '^".{1,128}"$'},
            "description": "One for each document, in quotation marks; remembered for 24 hours",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": embedded(DEPOSIT)}},
    },
}
_NOT_UNDERSTOOD: dict[int | str, dict[str, Any]] = {
    # Stands in for the 422 that the framework would describe and nobody ever gets.
    "4XX": {"description": "Not understood", **_PROBLEM}
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"description": "No token, or token or proof not good", **_PROBLEM},
    403: {"description": "Not permitted; the event says why", **_PROBLEM},
    404: {"description": "No such data set", **_PROBLEM},
}


@router.get(
    "/api/v1/data",
    tags=["Data"],
    summary="What this token may read, without values",
    responses=_REFUSED,
    openapi_extra=_TOKEN,
)
async def overview(request: Request) -> Response:
    data: DataApi = request.app.state.data
    return await respond(DataApi.overview, data, request)


@router.get(
    "/api/v1/data/{dataset}",
    tags=["Data"],
    summary="The person's data of one data set, as far as the token goes",
    responses=_REFUSED | _NOT_UNDERSTOOD,
    openapi_extra=_TOKEN,
)
async def fetch(request: Request, dataset: Annotated[str, Path(max_length=64)]) -> Response:
    data: DataApi = request.app.state.data

    def endpoint(api: DataApi, call: Call) -> Answer:
        return api.fetch(call, dataset)

    return await respond(endpoint, data, request)


@router.put(
    "/api/v1/deposits/{dataset}",
    tags=["Data"],
    summary="A source hands in what it keeps about one person of one data set",
    status_code=201,
    responses={
        201: {"description": "Kept: the event and the promise of it", **_TAKEN},
        **_REFUSED,
        400: {"description": "No idempotency key", **_PROBLEM},
        409: {"description": "A request with this key is being answered", **_PROBLEM},
        413: {"description": "Larger than 64 kB", **_PROBLEM},
        415: {"description": "Not JSON", **_PROBLEM},
        422: {"description": "The document, or the key, is not good: see errors", **_PROBLEM},
    },
    openapi_extra=_DEPOSIT,
)
async def hand_in(request: Request, dataset: Annotated[str, Path(max_length=64)]) -> Response:
    deposits: DepositApi = request.app.state.deposits

    def endpoint(api: DepositApi, call: Call) -> Answer:
        return api.put(call, dataset)

    return await respond(endpoint, deposits, request)


@router.get(
    "/api/v1/proofs/{event_id}",
    tags=["Data"],
    summary="One of the client's own events with its proof, to be checked offline and shown",
    responses={
        401: _REFUSED[401],
        404: {"description": "Nothing for this client, or not in the log yet", **_PROBLEM},
        **_NOT_UNDERSTOOD,
    },
    openapi_extra=_TOKEN,
)
async def document(request: Request, event_id: UUID) -> Response:
    resource: ProtectedResource = request.app.state.resource

    def endpoint(of: ProtectedResource, call: Call) -> Answer:
        return document_for_token(of, call, EventId(event_id))

    return await respond(endpoint, resource, request)


@router.get(
    "/audit/proof/{event_id}",
    tags=["Log"],
    summary="That an event is in the log (C2SP tlog-proof), for whoever knows its id",
    response_class=PlainTextResponse,
    responses={
        404: {"description": "No such event, or not in the log yet", **_PROBLEM},
        **_NOT_UNDERSTOOD,
    },
)
def proof(request: Request, event_id: UUID) -> Response:
    text = proof_for_everybody(runtime_of(request), EventId(event_id))
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})
