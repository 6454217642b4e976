"""One attribute: what each source has said and when, and disputing what is not so."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork, begin
from consent.decisions import decide_self_access
from policies.ids import AttributeId, DisputeId, SourceId
from policies.vocabulary import Language
from service.citizen.facts import State, Visible, protected_of
from service.citizen.held import Said, said_by
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.runtime import Runtime
from service.sessions import Session, require_session
from vault.disputes import dispute, disputes_of, settle
from vault.holdings import describe
from vault.model import Dispute, DisputeReason, Outcome
from vault.viewing import Statement, view_history

router = APIRouter(include_in_schema=False)

_NOT_FOUND = 404
_Attribute = Annotated[str, Path(max_length=96)]
_Form = Annotated[str, Form(max_length=1024)]


@dataclass(frozen=True, slots=True)
class Line:
    """What one source says, with the forms to dispute it or to take that back."""

    said: Said
    dispute_form: str
    settle_form: str
    earlier: tuple[Statement, ...]


@router.get("/{language:lang}/data/of/{attribute}")
def value(
    request: Request,
    attribute: _Attribute,
    done: Annotated[str, Query(pattern="^(disputed|settled)?$")] = "",
) -> Response:
    """All that is held of one attribute. To ask for it is to ask to see it."""
    runtime, session = runtime_of(request), require_session(request)
    known = _attribute(runtime, attribute)
    with runtime.ledger.read(session.person) as connection:
        held = describe(connection, session.person)
    if known not in {each.attribute for each in held}:
        raise HTTPException(_NOT_FOUND)
    protected = protected_of(runtime.catalogue, held)
    visible = Visible(runtime.catalogue, session.loa, reveal=True, protected=protected)
    shown = runtime.catalogue.attribute(known)
    may_see = visible.state(shown) is State.SHOWN
    return render(
        request,
        "citizen/value.html",
        attribute=shown,
        dataset=runtime.catalogue.dataset(shown.dataset),
        may_see=may_see,
        lines=_lines(request, session, known) if may_see else [],
        settled=_settled(runtime, session, known),
        reasons=list(DisputeReason),
        done=done,
    )


@router.post("/{language:lang}/data/of/{attribute}/dispute")
def dispute_one(
    request: Request,
    language: Language,
    attribute: _Attribute,
    source: Annotated[str, Form(max_length=64)] = "",
    reason: Annotated[DisputeReason, Form()] = DisputeReason.WRONG,
    restrict: Annotated[str, Form(pattern="^(yes)?$")] = "",
    form: _Form = "",
) -> Response:
    """Say that what a source says is not so."""
    runtime, session = runtime_of(request), require_session(request)
    known = _attribute(runtime, attribute)

    def act(uow: UnitOfWork) -> str:
        dispute(
            uow,
            runtime.vault,
            session.person,
            attribute=known,
            source=SourceId(source),
            reason=reason,
            restrict=bool(restrict),
        )
        return f"/{language}/data/of/{known}?done=disputed"

    use = _dispute_use(known, SourceId(source))
    return see_other(act_once(request, form, use, act))


@router.post("/{language:lang}/data/of/{attribute}/settle")
def settle_one(
    request: Request,
    language: Language,
    attribute: _Attribute,
    dispute_id: Annotated[UUID, Form(alias="dispute")],
    form: _Form = "",
) -> Response:
    """Take a dispute back: the value is right, or right by now."""
    runtime, session = runtime_of(request), require_session(request)
    known, taken_back = _attribute(runtime, attribute), DisputeId(dispute_id)

    def act(uow: UnitOfWork) -> str:
        settle(uow, runtime.vault, session.person, taken_back, Outcome.TAKEN_BACK)
        return f"/{language}/data/of/{known}?done=settled"

    return see_other(act_once(request, form, _settle_use(taken_back), act))


def _attribute(runtime: Runtime, name: str) -> AttributeId:
    if name not in runtime.catalogue.attributes:
        raise HTTPException(_NOT_FOUND)
    return AttributeId(name)


def _lines(request: Request, session: Session, attribute: AttributeId) -> list[Line]:
    """What each source says now, the best first, each with what it said before."""
    runtime = runtime_of(request)
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        permit = decide_self_access(uow, session.person, [attribute])
        viewed = view_history(uow, runtime.vault, permit)
        disputes = disputes_of(uow.connection, session.person)
    open_ = [each for each in disputes if each.outcome is None]
    now = [said_by(runtime.vault, each, open_) for each in viewed.statements if each.counts]
    before = [each for each in viewed.statements if not each.counts]
    return [_line(request, session, each, before) for each in now]


def _line(request: Request, session: Session, said: Said, before: list[Statement]) -> Line:
    fact = said.statement.fact
    disputed = said.dispute
    earlier = (each for each in before if each.fact.source == fact.source)
    return Line(
        said,
        "" if disputed else use_form(request, session, _dispute_use(fact.attribute, fact.source)),
        use_form(request, session, _settle_use(disputed.id)) if disputed else "",
        tuple(sorted(earlier, key=lambda each: each.version, reverse=True)),
    )


def _settled(runtime: Runtime, session: Session, attribute: AttributeId) -> list[Dispute]:
    with runtime.ledger.read(session.person) as connection:
        found = disputes_of(connection, session.person)
    return [each for each in found if each.attribute == attribute and each.outcome is not None]


def _dispute_use(attribute: AttributeId, source: SourceId) -> str:
    return f"dispute/{attribute}/{source}"


def _settle_use(dispute_id: DisputeId) -> str:
    return f"settle/{dispute_id}"
