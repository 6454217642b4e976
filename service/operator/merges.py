"""Approving that two records of one person become one: each operator for herself, two are needed.

The page shows what is proposed by numbers of this service and counts, and no value of anybody.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Path, Query, Request
from starlette.responses import Response

from audit.scope import EVERYONE
from audit.unit_of_work import UnitOfWork
from policies.vocabulary import Language
from service.erasing import drop_copies
from service.merging import approve, proposals, reject
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.proposal import Proposal
from service.sessions import Session, require_session
from vault.holdings import describe

router = APIRouter(include_in_schema=False)

MERGED = "merged"
_Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@dataclass(frozen=True, slots=True)
class Row:
    """One proposal, with what each of the two holds and the forms to decide it."""

    proposal: Proposal
    held: tuple[int, int]
    """How many attributes of how many sources are kept under each."""
    is_open: bool
    approved_by_me: bool
    is_about_me: bool
    approve_form: str = ""
    reject_form: str = ""


@router.get("/{language:lang}/operator/merges")
def merges(
    request: Request, done: Annotated[str, Query(pattern="^(approved|merged|rejected)?$")] = ""
) -> Response:
    """The newest proposals."""
    session = require_session(request)
    return render(request, "operator/merges.html", rows=_rows(request, session), done=done)


@router.post("/{language:lang}/operator/merges/{number}/approve")
def approve_one(
    request: Request,
    language: Language,
    number: _Number,
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Approve a proposal; the second approval carries it out."""
    runtime, session = runtime_of(request), require_session(request)

    def act(uow: UnitOfWork) -> str:
        before = approve(uow, runtime.vault, number, session.person)
        return "approved" if before.approved_by is None else MERGED

    shown = _decided(request, language, f"approve-merge/{number}", form, act)
    if shown == _page(language, MERGED):
        drop_copies(runtime)  # of what was deleted of the other record
    return see_other(shown)


@router.post("/{language:lang}/operator/merges/{number}/reject")
def reject_one(
    request: Request,
    language: Language,
    number: _Number,
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Reject a proposal."""
    session = require_session(request)

    def act(uow: UnitOfWork) -> str:
        reject(uow, number, session.person)
        return "rejected"

    return see_other(_decided(request, language, f"reject-merge/{number}", form, act))


def _decided(
    request: Request,
    language: Language,
    use: str,
    form: str,
    act: Callable[[UnitOfWork], str],
) -> str:
    """Do it once; gives the page that shows what was done."""

    def shown(uow: UnitOfWork) -> str:
        return _page(language, act(uow))

    return act_once(request, form, use, shown, about=EVERYONE)


def _page(language: Language, done: str) -> str:
    return f"/{language}/operator/merges?done={done}"


def _rows(request: Request, session: Session) -> list[Row]:
    runtime = runtime_of(request)
    with runtime.ledger.read(EVERYONE) as connection:
        found = proposals(connection)
        held = {
            person: len(describe(connection, person))
            for each in found
            for person in (each.first, each.other)
        }
    return [_row(request, session, each, (held[each.first], held[each.other])) for each in found]


def _row(request: Request, session: Session, proposal: Proposal, held: tuple[int, int]) -> Row:
    is_open = proposal.is_open(runtime_of(request).now())
    about_me = session.person in {proposal.first, proposal.other}
    mine = proposal.approved_by == session.person
    may = is_open and not about_me
    number = proposal.number
    return Row(
        proposal,
        held,
        is_open,
        mine,
        about_me,
        use_form(request, session, f"approve-merge/{number}") if may and not mine else "",
        use_form(request, session, f"reject-merge/{number}") if may else "",
    )
