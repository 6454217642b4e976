"""The operator's work for programs: declarations and what two operators decide, as JSON.

A program uses the session of a signed-in operator and says with `Origin` or `Sec-Fetch-Site` that
it speaks for our own site, as a browser does (service.csrf). So each act is that of a person, and
the second approval is another person's here as well.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from audit.scope import SERVICE
from audit.unit_of_work import UnitOfWork, begin
from consent.authorization_details import format_instant
from consent.declarations import declaration, declarations, declared, draft
from consent.declared import Act, DeclarationKind, DeclarationStatus, Declared, after, possible
from policies.purposes import DeclarationError
from service.answers import problem_json
from service.auditor.api import Sent
from service.operator import openapi
from service.operator.declaring import check_seen, perform, read_declaration, read_seen
from service.pages import runtime_of
from service.problems import NOT_A_DECLARATION
from service.proposed_act import ProposedAct
from service.sessions import require_session
from service.two_people import approve, proposed, reject

router = APIRouter(prefix="/api/v1/operator", tags=["Operator"])

Kind = Annotated[DeclarationKind, Path(description="Of a recipient, or of a source")]
Id = Annotated[str, Path(pattern="^[a-z][a-z0-9-]{0,39}$", examples=["debt-advice"])]
Version = Annotated[int, Path(ge=1, le=9999)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
OK, CREATED, ACCEPTED = 200, 201, 202
_ON_SIGHT = frozenset({Act.SUBMIT, Act.APPROVE})
"""What is done only to what was seen."""


class Decision(StrEnum):
    """What an operator says to a proposal."""

    APPROVE = "approve"
    REJECT = "reject"


@router.get("/declarations", summary="All declarations, each version", **openapi.LIST)
def every(
    request: Request,
    kind: Annotated[DeclarationKind, Query()] = DeclarationKind.PURPOSE,
    status: Annotated[DeclarationStatus | None, Query()] = None,
) -> Response:
    """By id, the newest version first; only those in the status when one is given."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        found = declarations(connection, kind, runtime.catalogue)
    shown = [_shown(each) for each in found if status in {None, each.status}]
    return _json({"declarations": shown})


@router.post("/declarations/{kind}", summary="Draft the next version", **openapi.DRAFT)
def add(request: Request, kind: Kind, sent: Sent) -> Response:
    """A draft; nothing counts before it is submitted and another operator has approved it."""

    def act(uow: UnitOfWork) -> Response:
        made = draft(uow, read_declaration(kind, sent), runtime_of(request).catalogue)
        return _json(_shown(made), CREATED)

    return _done(request, act)


@router.get("/declarations/{kind}/{id_}/{version}", summary="One version", **openapi.ONE)
def one(request: Request, kind: Kind, id_: Id, version: Version) -> Response:
    """The declaration and how it stands."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        found = declaration(connection, kind, id_, version, runtime.catalogue)
    return _json(_shown(found))


@router.put("/declarations/{kind}/{id_}/{version}", summary="Change a draft", **openapi.EDIT)
def edit(request: Request, kind: Kind, id_: Id, version: Version, sent: Sent) -> Response:
    """The whole of it again, with the same id and version."""
    return _act(request, kind, id_, version, Act.EDIT, sent)


@router.post(
    "/declarations/{kind}/{id_}/{version}/{act}",
    summary="Submit, approve, send back; or propose to suspend, resume or retire",
    **openapi.ACT,
)
def act_on(
    request: Request, kind: Kind, id_: Id, version: Version, act: Act, sent: Sent
) -> Response:
    """200 with the declaration when it is done, 202 with the proposal when another must approve.

    To submit and to approve, the body names the `digest` of what was seen; when the declaration
    says something else by now, nothing is done (409).
    """
    return _act(request, kind, id_, version, act, sent)


@router.get("/acts", summary="What two operators decide, newest first", **openapi.ACTS)
def acts(request: Request) -> Response:
    """Proposals that wait, and the newest that have ended."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        found = proposed(connection)
    now = runtime.now()
    return _json({"acts": [act_shown(each, is_open=each.is_open(now)) for each in found]})


@router.post("/acts/{number}/{decision}", summary="Approve or reject", **openapi.DECIDE)
def decide(request: Request, number: Number, decision: Decision) -> Response:
    """The approval of another operator than the one who proposed it does it."""
    catalogue, by = runtime_of(request).catalogue, require_session(request).person

    def act(uow: UnitOfWork) -> Response:
        if decision is Decision.APPROVE:
            found = approve(uow, number, catalogue, by=by)
        else:
            found = reject(uow, number, by=by)
        return _json(act_shown(found, is_open=False))

    return _done(request, act)


def _act(
    request: Request, kind: DeclarationKind, id_: str, version: int, act: Act, sent: bytes
) -> Response:
    runtime, by = runtime_of(request), require_session(request).person

    def step(uow: UnitOfWork) -> Response:
        found = declared(uow, kind, id_, version, runtime.catalogue)
        if act in _ON_SIGHT:
            after(found.status, act)
            check_seen(found, read_seen(sent))
        waits = perform(uow, found, act, runtime.catalogue, by=by, document=sent)
        if waits is not None:
            return _json(act_shown(waits, is_open=True), ACCEPTED)
        return _json(_shown(declared(uow, kind, id_, version, runtime.catalogue)))

    return _done(request, step)


def _done(request: Request, act: Callable[[UnitOfWork], Response]) -> Response:
    """Do it in a unit of work of the operator's. The answer leaves after the commit."""
    runtime, session = runtime_of(request), require_session(request)
    now = runtime.now()
    try:
        with begin(runtime.ledger, actor=session.actor, now=now, about=SERVICE) as uow:
            return act(uow)
    except DeclarationError as error:
        fault = {"member": error.field, "detail": error.reason}
        return problem_json(NOT_A_DECLARATION, errors=[fault])


def _shown(found: Declared) -> dict[str, Any]:
    return {
        "kind": found.kind.value,
        "id": found.id,
        "version": found.version,
        "status": found.status.value,
        "digest": found.digest,
        "changed_at": None if found.changed_at is None else format_instant(found.changed_at),
        "possible": [each.value for each in possible(found.status)],
        "declaration": found.content.to_json(),
    }


def act_shown(act: ProposedAct, *, is_open: bool) -> dict[str, Any]:
    """A proposal as programs see it."""
    return {
        "number": act.number,
        "what": act.what.value,
        "subject": act.subject,
        "proposed_at": format_instant(act.proposed_at),
        "open": is_open,
        "outcome": None if act.outcome is None else act.outcome.value,
        "digest": act.digest if act.document else None,
    }


def _json(content: Mapping[str, Any], status: int = OK) -> Response:
    headers = {"Cache-Control": "no-store"}
    body = orjson.dumps(content)
    return Response(body, status, media_type="application/json", headers=headers)
