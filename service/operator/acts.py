"""Approving what another operator has proposed: the second approval does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork
from policies.vocabulary import Language
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.proposed_act import ProposedAct
from service.sessions import Session, require_session
from service.two_people import approve, proposed, reject

router = APIRouter(include_in_schema=False)

Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_FormId = Annotated[str, Form(max_length=1024)]


@dataclass(frozen=True, slots=True)
class Row:
    """One proposal, with the forms to decide it."""

    act: ProposedAct
    is_open: bool
    mine: bool
    approve_form: str
    reject_form: str


@router.get("/{language:lang}/operator/acts")
def acts(request: Request) -> Response:
    """The newest proposals, those that have ended too."""
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read() as connection:
        found = proposed(connection)
    rows = [_row(request, session, each) for each in found]
    return render(request, "operator/acts.html", rows=rows)


@router.post("/{language:lang}/operator/acts/{number}/approve")
def approve_one(
    request: Request, language: Language, number: Number, form: _FormId = ""
) -> Response:
    """Approve it, and so have it done."""
    runtime, session = runtime_of(request), require_session(request)

    def act(uow: UnitOfWork) -> object:
        return approve(uow, number, runtime.catalogue, by=session.person)

    return _decided(request, language, f"approve-act/{number}", form, act)


@router.post("/{language:lang}/operator/acts/{number}/reject")
def reject_one(
    request: Request, language: Language, number: Number, form: _FormId = ""
) -> Response:
    """Reject it."""
    session = require_session(request)

    def act(uow: UnitOfWork) -> object:
        return reject(uow, number, by=session.person)

    return _decided(request, language, f"reject-act/{number}", form, act)


def _decided(
    request: Request,
    language: Language,
    use: str,
    form: str,
    act: Callable[[UnitOfWork], object],
) -> Response:
    def shown(uow: UnitOfWork) -> str:
        act(uow)
        return f"/{language}/operator/acts"

    return see_other(act_once(request, form, use, shown))


def _row(request: Request, session: Session, act: ProposedAct) -> Row:
    is_open = act.is_open(runtime_of(request).now())
    mine = act.proposed_by == session.person
    number = act.number
    return Row(
        act,
        is_open,
        mine,
        use_form(request, session, f"approve-act/{number}") if is_open and not mine else "",
        use_form(request, session, f"reject-act/{number}") if is_open else "",
    )
