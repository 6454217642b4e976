"""What becomes of consents, for who has their references: one in full, 5,000 at a time in short.

A recipient asks about its own, a source about those that are for data it keeps. Each call is one
event of the client's: it uses up its assertion, and says nothing about anybody's data.
"""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import format_instant
from consent.deposit_details import kept_by
from consent.model import Consent
from consent.reading import consent
from consent.statuses import MOST, Standing, Stands, statuses
from consent.strict_json import StrictJsonError, parse_strict
from policies.ids import ConsentId
from service.api.by_key import served
from service.asgi import respond
from service.exchange import Answer, Call
from service.oauth.authenticated import Asked, Endpoint, ProofIs
from service.oauth.errors import OAuthError, Reason
from service.oauth.server import AuthorizationServer
from vault.names import who_now
from vault.people import UnknownPersonError, issue_pairwise_subject

router = APIRouter(tags=["Consents"])

ENDPOINT = Endpoint("consents", Kind.TOKEN_REFUSED, ProofIs.IGNORED)
MOST_BYTES = 262_144
"""5,000 references as JSON, with room to spare."""
STATUS_PATH = "/api/v1/consents/status"
_REFERENCES = "references"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)

_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"description": "Not understood", **_PROBLEM},
    401: {"description": "The program has not shown its key", **_PROBLEM},
    429: {"description": "Too many refusals in a minute", **_PROBLEM},
    "4XX": {"description": "Not understood", **_PROBLEM},
}
_ID = {"type": "string", "format": "uuid"}
_EXAMPLE_ID = "7d2f6c1e-52f3-4d8e-9d0b-1f6a2f1f9c11"
_MOMENT = {"type": "string", "format": "date-time"}
_STANDS: dict[str, Any] = {
    "type": "object",
    "required": ["reference", "status"],
    "properties": {
        "reference": _ID,
        "status": {"enum": list(Standing)},
        "version": {"type": "integer"},
        "not_after": _MOMENT,
    },
}
_STANDS_EXAMPLE = {
    "reference": _EXAMPLE_ID,
    "status": "active",
    "version": 1,
    "not_after": "2027-02-22T09:00:00Z",
}
_ASKED = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": [_REFERENCES],
                    "additionalProperties": False,
                    "properties": {
                        _REFERENCES: {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MOST,
                            "items": _ID,
                        }
                    },
                },
                "example": {_REFERENCES: [_EXAMPLE_ID]},
            }
        },
    }
}
_FOUND = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["statuses"],
                "properties": {"statuses": {"type": "array", "items": _STANDS}},
            },
            "example": {"statuses": [_STANDS_EXAMPLE]},
        }
    }
}
_WHOLE = {
    "content": {
        "application/json": {
            "schema": {
                **_STANDS,
                "properties": {
                    **_STANDS["properties"],
                    "purpose": {"type": "string"},
                    "purpose_version": {"type": "integer"},
                    "basis": {"type": "string"},
                    "case": {"type": "string"},
                    "datatypes": {"type": "array", "items": {"type": "string"}},
                    "uses_left": {"type": "integer"},
                    "subject": {"type": "string"},
                },
            },
            "example": {
                **_STANDS_EXAMPLE,
                "purpose": "debt-advice",
                "purpose_version": 1,
                "basis": "consent",
                "case": "2026/17",
                "datatypes": ["income.monthly_gross"],
                "uses_left": 4,
                "subject": "c2FtcGxlLXBhaXJ3aXNlLWlk",
            },
        }
    }
}
_Assertion = Annotated[str, Header(description="A JWT as at /oauth/token")]


@router.post(
    STATUS_PATH,
    summary=f"How up to {MOST} consents stand",
    responses={200: {"description": "In the order of the references", **_FOUND}, **_REFUSED},
    openapi_extra=_ASKED,
)
async def filter_statuses(
    request: Request,
    client_assertion: _Assertion = "",  # noqa: ARG001  # for the description
) -> Response:
    server: AuthorizationServer = request.app.state.server
    return await respond(answer, server, request, most=MOST_BYTES)


@router.get(
    "/api/v1/consents/{reference}",
    summary="One consent of this client's: how it stands, and what it is for",
    responses={200: {"description": "As it stands now", **_WHOLE}, **_REFUSED},
)
async def one(
    request: Request,
    reference: Annotated[UUID, Path()],
    client_assertion: _Assertion = "",  # noqa: ARG001
) -> Response:
    server: AuthorizationServer = request.app.state.server

    def endpoint(of: AuthorizationServer, call: Call) -> Answer:
        return answer_one(of, call, ConsentId(reference))

    return await respond(endpoint, server, request)


def answer(server: AuthorizationServer, call: Call) -> Answer:
    """How the consents of the body stand."""

    def effect(uow: UnitOfWork, asked: Asked) -> list[Stands]:
        return _look(uow, asked, _references(call))

    return served(server, call, ENDPOINT, effect, _listed)


def answer_one(server: AuthorizationServer, call: Call, reference: ConsentId) -> Answer:
    """One consent, in full where it is the client's own."""

    def effect(uow: UnitOfWork, asked: Asked) -> dict[str, object]:
        (stands,) = _look(uow, asked, [reference])
        found = consent(uow.connection, reference)
        if found is None or found.client != asked.client.id:
            return _short(stands)
        return _short(stands) | _whole(uow, asked, found, stands)

    return served(server, call, ENDPOINT, effect, Answer.json)


def _look(uow: UnitOfWork, asked: Asked, references: list[ConsentId]) -> list[Stands]:
    client = asked.client
    keeps = kept_by(client.organisation, asked.server.runtime.catalogue)
    found = statuses(uow.connection, references, client, keeps=keeps, now=uow.now)
    uow.record(Event(kind=Kind.FEED_READ, organisation=client.organisation, client=client.id))
    return found


def _references(call: Call) -> list[ConsentId]:
    """Raises OAuthError."""
    try:
        sent = parse_strict(call.body, max_bytes=MOST_BYTES, max_depth=2)
    except StrictJsonError as error:
        raise OAuthError(Reason.PARAMETER_FORM, error.reason) from error
    match sent:
        case {"references": [_, *_] as listed, **rest} if not rest and len(listed) <= MOST:
            return [_reference(each) for each in listed]
        case _:
            raise OAuthError(Reason.PARAMETER_FORM, _REFERENCES)


def _reference(text: object) -> ConsentId:
    if not isinstance(text, str) or not _UUID.fullmatch(text):
        raise OAuthError(Reason.PARAMETER_FORM, _REFERENCES)
    return ConsentId(UUID(text))


def _listed(found: list[Stands]) -> Answer:
    return Answer.json({"statuses": [_short(each) for each in found]})


def _short(stands: Stands) -> dict[str, object]:
    reference, standing, version, not_after = stands
    members: dict[str, object] = {"reference": reference, "status": standing}
    if not_after is not None:
        members["version"] = version
        members["not_after"] = format_instant(not_after)
    return members


def _whole(uow: UnitOfWork, asked: Asked, found: Consent, stands: Stands) -> dict[str, object]:
    """What the client asked for; who the person is it learns of what was given only."""
    given = stands.standing in {Standing.ACTIVE, Standing.PAUSED}
    members: dict[str, object | None] = {
        "purpose": found.purpose,
        "purpose_version": found.purpose_version,
        "basis": found.basis.value,
        "case": found.case,
        "datatypes": list(found.granted) if given else None,
        "uses_left": found.uses_left if given else None,
        "subject": _subject(uow, asked, found) if given else None,
    }
    return {name: value for name, value in members.items() if value is not None}


def _subject(uow: UnitOfWork, asked: Asked, found: Consent) -> str | None:
    person = who_now(uow.connection, {found.person})[found.person]
    vault, sector = asked.server.runtime.vault, asked.client.organisation
    try:
        return issue_pairwise_subject(uow, vault, person, sector)
    except UnknownPersonError:
        return None
