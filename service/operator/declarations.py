"""The operator's pages of declarations: what recipients ask for, and what sources give.

Drafted and submitted by one operator, approved by another. A page shows the declaration as a person
will read it, and beside it the whole of it as JSON.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from starlette.responses import Response

from audit.scope import SERVICE
from audit.unit_of_work import UnitOfWork
from consent.declarations import declaration, declarations, declared, draft
from consent.declared import Act, Content, DeclarationKind, DeclarationStatus, Declared, possible
from policies.legal_grounds import Right, rights_of
from policies.purposes import DeclarationError, PurposeDeclaration
from policies.vocabulary import Language
from service.forms import once, open_form
from service.operator.declaring import (
    MOST_BYTES,
    as_text,
    check_seen,
    perform,
    read_declaration,
)
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.sessions import Session, require_session
from service.two_people import NEEDS_TWO

router = APIRouter(include_in_schema=False)

Id = Annotated[str, Path(pattern="^[a-z][a-z0-9-]{0,39}$")]
Version = Annotated[int, Path(ge=1, le=9999)]
_Document = Annotated[str, Form(max_length=MOST_BYTES)]
_FormId = Annotated[str, Form(max_length=1024)]
_ONE = "/{language:lang}/operator/declarations/{kind}/{id_}/{version}"


@dataclass(frozen=True, slots=True)
class Row:
    """One version of a declaration, read."""

    declared: Declared
    content: Content


@router.get("/{language:lang}/operator/declarations")
def every(request: Request) -> Response:
    """All of them, of recipients and of sources."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        found = {
            kind: declarations(connection, kind, runtime.catalogue) for kind in DeclarationKind
        }
    rows = {kind: [Row(each, each.content) for each in of] for kind, of in found.items()}
    return render(request, "operator/declarations.html", rows=rows, catalogue=runtime.catalogue)


@router.get("/{language:lang}/operator/declarations/new")
def new(request: Request, kind: Annotated[DeclarationKind, Query()]) -> Response:
    """An empty form."""
    return _new(request, require_session(request), kind)


@router.post("/{language:lang}/operator/declarations/new")
def add(
    request: Request,
    language: Language,
    kind: Annotated[DeclarationKind, Form()],
    document: _Document = "",
    form: _FormId = "",
) -> Response:
    """Draft a declaration."""
    runtime, session = runtime_of(request), require_session(request)

    def act(uow: UnitOfWork) -> str:
        made = draft(uow, read_declaration(kind, document), runtime.catalogue)
        return _address(language, made)

    try:
        return see_other(act_once(request, form, f"draft/{kind}", act, about=SERVICE))
    except DeclarationError as error:
        return _new(request, session, kind, document=document, error=error)


@router.get(_ONE)
def one(
    request: Request,
    kind: DeclarationKind,
    id_: Id,
    version: Version,
    done: Annotated[str, Query(pattern="^[a-z-]{0,20}$")] = "",
) -> Response:
    """One version, whole, with what may be done to it."""
    return _page(request, _read(request, kind, id_, version), done=done)


@router.post(f"{_ONE}/{{act}}")
def act_on(
    request: Request,
    language: Language,
    kind: DeclarationKind,
    id_: Id,
    version: Version,
    act: Act,
    document: _Document = "",
    form: _FormId = "",
) -> Response:
    """Do it, or propose it where another operator must approve."""
    runtime, session = runtime_of(request), require_session(request)
    use = _use(act, kind, id_, version)
    opened = open_form(session, form, use=use, now=runtime.now())

    def step(uow: UnitOfWork) -> str:
        found = declared(uow, kind, id_, version, runtime.catalogue)
        check_seen(found, opened.shown)
        by = session.person
        proposed = perform(uow, found, act, runtime.catalogue, by=by, document=document)
        here = _address(language, found)
        return f"{here}?done={act}" if proposed is None else f"/{language}/operator/acts"

    try:
        return see_other(once(runtime.ledger, opened, runtime.now(), step, about=SERVICE))
    except DeclarationError as error:
        found = _read(request, kind, id_, version)
        return _page(request, found, document=document, error=error)


def _new(
    request: Request,
    session: Session,
    kind: DeclarationKind,
    *,
    document: str = "",
    error: DeclarationError | None = None,
) -> Response:
    return render(
        request,
        "operator/declaration_new.html",
        status_code=200 if error is None else 422,
        kind=kind,
        document=document,
        error=error,
        form=use_form(request, session, f"draft/{kind}"),
    )


def _page(
    request: Request,
    found: Declared,
    *,
    done: str = "",
    document: str = "",
    error: DeclarationError | None = None,
) -> Response:
    session, runtime = require_session(request), runtime_of(request)
    mine = found.submitted_by == session.person
    acts = [each for each in possible(found.status) if not (each is Act.APPROVE and mine)]
    return render(
        request,
        "operator/declaration.html",
        status_code=200 if error is None else 422,
        declared=found,
        content=found.content,
        text=document or as_text(found),
        rights=rights_shown(found.content),
        organisation=runtime.catalogue.organisation(found.organisation),
        attributes=runtime.catalogue.attributes,
        forms_of={each: _form(request, session, each, found) for each in acts},
        needs_two=NEEDS_TWO,
        submitted_by_me=mine and found.status is DeclarationStatus.SUBMITTED,
        done=done,
        error=error,
    )


def rights_shown(content: Content) -> tuple[Right, ...]:
    """What follows for a person from the ground of a purpose; a source has no ground of its own."""
    if not isinstance(content, PurposeDeclaration):
        return ()
    return rights_of(content.basis, automated=content.automated_decision)


def _read(request: Request, kind: DeclarationKind, id_: str, version: int) -> Declared:
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        return declaration(connection, kind, id_, version, runtime.catalogue)


def _address(language: Language, of: Declared) -> str:
    return f"/{language}/operator/declarations/{of.kind}/{of.id}/{of.version}"


def _form(request: Request, session: Session, act: Act, of: Declared) -> str:
    """A form for doing it to what the page shows, and to nothing else."""
    return use_form(request, session, _use(act, of.kind, of.id, of.version), of.digest)


def _use(act: Act, kind: DeclarationKind, id_: str, version: int) -> str:
    return f"{act}/{kind}:{id_}@{version}"
