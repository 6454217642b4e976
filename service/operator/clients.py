"""The operator's page of clients: the programs of agencies, how they show who they are, who stops.

By its keys a program is known, so registering one, giving it other keys and stopping it is
proposed here and done when another operator approves it (service.two_people).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork
from consent.client_metadata import ClientMetadataError
from consent.clients import Client, ClientStatus, clients
from consent.strict_json import StrictJsonError, parse_strict
from policies.ids import ClientId
from policies.vocabulary import Language
from service.operator.declaring import MOST_BYTES
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.sessions import require_session
from service.two_people import propose_client, propose_keys, propose_suspension

router = APIRouter(include_in_schema=False)

ClientName = Annotated[str, Form(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_Document = Annotated[str, Form(max_length=MOST_BYTES)]
_FormId = Annotated[str, Form(max_length=1024)]
_DEPTH = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One client, with the forms to change it."""

    client: Client
    keys: tuple[str, ...]
    """Names of its keys."""
    keys_form: str
    suspend_form: str


def read_members(text: str | bytes, name: str) -> dict[str, object]:
    """The JSON object in a text. Raises ClientMetadataError with the name."""
    try:
        members = parse_strict(text, max_bytes=MOST_BYTES, max_depth=_DEPTH)
    except StrictJsonError as error:
        raise ClientMetadataError(name, error.reason) from error
    if not isinstance(members, dict):
        raise ClientMetadataError(name, "not-an-object")
    return members


@router.get("/{language:lang}/operator/clients")
def every(request: Request) -> Response:
    """All clients, with what may be proposed."""
    return _page(request)


@router.post("/{language:lang}/operator/clients/register")
def register(
    request: Request, language: Language, document: _Document = "", form: _FormId = ""
) -> Response:
    """Propose to register a client from its metadata (RFC 7591)."""
    by = require_session(request).person

    def act(uow: UnitOfWork) -> object:
        return propose_client(uow, read_members(document, "metadata"), by=by)

    return _proposed(request, language, "register-client", form, act, document)


@router.post("/{language:lang}/operator/clients/keys")
def keys(
    request: Request,
    language: Language,
    client: ClientName,
    document: _Document = "",
    form: _FormId = "",
) -> Response:
    """Propose other keys (a JWK Set) in the place of all that the client has."""
    by = require_session(request).person

    def act(uow: UnitOfWork) -> object:
        return propose_keys(uow, ClientId(client), read_members(document, "jwks"), by=by)

    return _proposed(request, language, f"keys/{client}", form, act, "")


@router.post("/{language:lang}/operator/clients/suspend")
def suspend(
    request: Request, language: Language, client: ClientName, form: _FormId = ""
) -> Response:
    """Propose to stop a client."""
    by = require_session(request).person

    def act(uow: UnitOfWork) -> object:
        return propose_suspension(uow, ClientId(client), by=by)

    return _proposed(request, language, f"suspend/{client}", form, act, "")


def _proposed(
    request: Request,
    language: Language,
    use: str,
    form: str,
    act: Callable[[UnitOfWork], object],
    document: str,
) -> Response:
    def shown(uow: UnitOfWork) -> str:
        act(uow)
        return f"/{language}/operator/acts"

    try:
        return see_other(act_once(request, form, use, shown))
    except ClientMetadataError as error:
        return _page(request, document=document, error=error)


def _page(
    request: Request, *, document: str = "", error: ClientMetadataError | None = None
) -> Response:
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read() as connection:
        found = clients(connection)
    return render(
        request,
        "operator/clients.html",
        status_code=200 if error is None else 422,
        rows=[_row(request, each) for each in found],
        catalogue=runtime.catalogue,
        register_form=use_form(request, session, "register-client"),
        document=document,
        error=error,
    )


def _row(request: Request, client: Client) -> Row:
    session = require_session(request)
    stopped = client.status is ClientStatus.SUSPENDED
    return Row(
        client,
        tuple(str(each.get("kid", "")) for each in client.jwks),
        "" if stopped else use_form(request, session, f"keys/{client.id}"),
        "" if stopped else use_form(request, session, f"suspend/{client.id}"),
    )
