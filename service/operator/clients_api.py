"""Clients for programs of an operator: listed, and proposed to be registered, re-keyed, stopped."""

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork, begin
from consent.authorization_details import format_instant
from consent.client_metadata import ClientMetadataError
from consent.clients import Client, clients
from policies.ids import ClientId
from service.answers import problem_json
from service.auditor.api import Sent
from service.operator import openapi
from service.operator.api import ACCEPTED, act_shown
from service.operator.clients import read_members
from service.pages import runtime_of
from service.problems import NOT_A_CLIENT
from service.proposed_act import ProposedAct
from service.sessions import require_session
from service.two_people import propose_client, propose_keys, propose_suspension

router = APIRouter(prefix="/api/v1/operator/clients", tags=["Operator"])

Id = Annotated[str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["kela-1"])]


@router.get("", summary="All clients", **openapi.CLIENTS)
def every(request: Request) -> Response:
    """By id, with the public keys by which each shows who it is."""
    with runtime_of(request).ledger.read() as connection:
        found = clients(connection)
    return _json({"clients": [_shown(each) for each in found]}, 200)


@router.post("", summary="Propose to register a client", **openapi.REGISTER)
def register(request: Request, sent: Sent) -> Response:
    """From its metadata (RFC 7591); another operator approves it."""
    by = require_session(request).person

    def act(uow: UnitOfWork) -> ProposedAct:
        return propose_client(uow, read_members(sent, "metadata"), by=by)

    return _proposed(request, act)


@router.put("/{client_id}/keys", summary="Propose other keys for a client", **openapi.KEYS)
def keys(request: Request, client_id: Id, sent: Sent) -> Response:
    """A JWK Set in the place of all keys that the client has; another operator approves it."""
    by = require_session(request).person

    def act(uow: UnitOfWork) -> ProposedAct:
        return propose_keys(uow, ClientId(client_id), read_members(sent, "jwks"), by=by)

    return _proposed(request, act)


@router.post("/{client_id}/suspend", summary="Propose to stop a client", **openapi.SUSPEND)
def suspend(request: Request, client_id: Id) -> Response:
    """Its tokens open nothing from the approval of another operator on."""
    by = require_session(request).person

    def act(uow: UnitOfWork) -> ProposedAct:
        return propose_suspension(uow, ClientId(client_id), by=by)

    return _proposed(request, act)


def _proposed(request: Request, act: Callable[[UnitOfWork], ProposedAct]) -> Response:
    runtime, session = runtime_of(request), require_session(request)
    try:
        with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
            made = act(uow)
    except ClientMetadataError as error:
        fault = {"member": error.member, "detail": error.reason}
        return problem_json(NOT_A_CLIENT, errors=[fault])
    return _json(act_shown(made, is_open=True), ACCEPTED)


def _shown(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "client_name": client.name,
        "organisation": client.organisation,
        "status": client.status.value,
        "redirect_uris": list(client.redirect_uris),
        "grant_types": list(client.grant_types),
        "authorization_details_types": list(client.authorization_details_types),
        "jwks": {"keys": [dict(each) for each in client.jwks]},
        "registered_at": format_instant(client.registered_at),
    }


def _json(content: dict[str, Any], status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    body = orjson.dumps(content)
    return Response(body, status, media_type="application/json", headers=headers)
