"""Writing down what an authority, a court, a recipient or this service decides of a consent.

The operator names it by its number, which a decision or a person's message holds. The page shows
numbers, codes and times, and neither the person nor any data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import Response

from audit.scope import SERVICE
from audit.unit_of_work import UnitOfWork
from consent.assessment import Outcome
from consent.choices import UnknownConsentError
from consent.flagging import assess, flagged_on, open_assessments
from consent.grounds import Defect, LegalGround, SuspensionGround
from consent.lifecycle import TRANSITIONS, Party
from consent.model import Command, Consent
from consent.reading import consent
from consent.supervising import invalidate, resume_by_order, revoke, suspend_by_order
from policies.entries import Organisation
from policies.ids import ConsentId
from policies.vocabulary import Language
from service.forms import FormError
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.sessions import require_session
from service.words import reasons

router = APIRouter(include_in_schema=False)

URGENT = timedelta(hours=24)
PARTIES: Mapping[Command, tuple[Party, ...]] = {
    Command.SUSPEND: (Party.SUPERVISOR, Party.SYSTEM),
    Command.RESUME: (Party.SUPERVISOR, Party.SYSTEM),
    Command.REVOKE: (Party.SUPERVISOR, Party.COURT, Party.CONTROLLER, Party.SYSTEM),
    Command.INVALIDATE: (Party.SUPERVISOR, Party.COURT, Party.CONTROLLER, Party.SYSTEM),
}
"""Whose decision it may be, by what is decided."""
STOPPING = (
    SuspensionGround.CLIENT_SUSPENDED,
    SuspensionGround.BREACH,
    SuspensionGround.MANDATE_CHECK,
    SuspensionGround.NOTICE_DEFECT,
)
ENDING = (
    LegalGround.AUTHORITY_ORDER,
    LegalGround.COURT_ORDER,
    LegalGround.LAW_CHANGED,
    LegalGround.MISUSE,
)
DEFECTS = tuple(Defect)
GROUNDS: Mapping[Command, tuple[StrEnum, ...]] = {
    Command.SUSPEND: STOPPING,
    Command.RESUME: (),
    Command.REVOKE: ENDING,
    Command.INVALIDATE: DEFECTS,
}
"""On which grounds; the others are the person's or this service's own."""
T = TypeVar("T", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class View:
    """One consent in numbers, codes and times."""

    consent: Consent
    organisation: Organisation
    flagged: int
    forms: Mapping[Command, str]


@router.get("/{language:lang}/operator/consents")
def consents(
    request: Request,
    consent_id: Annotated[str, Query(alias="consent", max_length=40)] = "",
    done: Annotated[str, Query(pattern="^(suspend|resume|revoke|invalidate|assessed)?$")] = "",
) -> Response:
    """Find one by its number, and see what is to be assessed yet."""
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read() as connection:
        asked = _number(consent_id)
        found = None if asked is None else consent(connection, asked)
        flagged = [] if found is None else flagged_on(connection, found.id)
        waiting = open_assessments(connection)
    return render(
        request,
        "operator/consents.html",
        asked=consent_id,
        view=None if found is None else _view(request, found, len(flagged)),
        assessments=[
            (each, use_form(request, session, f"assess/{each.consent}")) for each in waiting
        ],
        outcomes=[(each, reasons()[each.value]) for each in Outcome],
        done=done,
        parties=PARTIES,
        grounds={
            command: [(each, reasons()[each.value]) for each in grounds]
            for command, grounds in GROUNDS.items()
        },
        urgent=runtime.now() + URGENT,
    )


@router.post("/{language:lang}/operator/consents/{consent_id}")
def decide(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
    command: Annotated[str, Form(max_length=16)] = "",
    party: Annotated[str, Form(max_length=32)] = "",
    ground: Annotated[str, Form(max_length=32)] = "",
) -> Response:
    """Write down a decision. Raises FormError and the errors of the lifecycle."""
    id_ = ConsentId(consent_id)
    wanted = _chosen(command, tuple(PARTIES))
    by = _chosen(party, PARTIES[wanted])
    act = _act(id_, wanted, by, ground)
    return _decided(request, language, id_, f"{wanted}/{id_}", form, act, done=wanted.value)


def _act(
    consent_id: ConsentId, command: Command, by: Party, ground: str
) -> Callable[[UnitOfWork], object]:
    """What is decided. Raises FormError."""
    match command:
        case Command.SUSPEND:
            why = _chosen(ground, STOPPING)
            return lambda uow: suspend_by_order(uow, consent_id, party=by, ground=why)
        case Command.RESUME:
            return lambda uow: resume_by_order(uow, consent_id, party=by)
        case Command.REVOKE:
            lawful = _chosen(ground, ENDING)
            return lambda uow: revoke(uow, consent_id, party=by, ground=lawful)
        case _:
            defect = _chosen(ground, DEFECTS)
            return lambda uow: invalidate(uow, consent_id, party=by, defect=defect)


@router.post("/{language:lang}/operator/consents/{consent_id}/assessment")
def assess_one(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
    outcome: Annotated[str, Form(max_length=32)] = "",
) -> Response:
    """Write down what the assessment found. Raises FormError and NoAssessmentError."""
    id_, found = ConsentId(consent_id), _chosen(outcome, tuple(Outcome))

    def act(uow: UnitOfWork) -> object:
        return assess(uow, id_, found)

    return _decided(request, language, id_, f"assess/{id_}", form, act, done="assessed")


def _decided(
    request: Request,
    language: Language,
    consent_id: ConsentId,
    use: str,
    form: str,
    act: Callable[[UnitOfWork], object],
    *,
    done: str,
) -> Response:
    def shown(uow: UnitOfWork) -> str:
        _not_her_own(uow, consent_id, request)
        act(uow)
        return f"/{language}/operator/consents?consent={consent_id}&done={done}"

    return see_other(act_once(request, form, use, shown, about=SERVICE))


def _not_her_own(uow: UnitOfWork, consent_id: ConsentId, request: Request) -> None:
    """What is about an operator is another one's to decide."""
    found = consent(uow.connection, consent_id)
    if found is None or found.person == require_session(request).person:
        raise UnknownConsentError


def _view(request: Request, found: Consent, flagged: int) -> View:
    session = require_session(request)
    possible = [each for each in PARTIES if (found.status, each) in TRANSITIONS]
    return View(
        consent=found,
        organisation=runtime_of(request).catalogue.organisation(found.organisation),
        flagged=flagged,
        forms={each: use_form(request, session, f"{each}/{found.id}") for each in possible},
    )


def _number(text: str) -> ConsentId | None:
    try:
        return ConsentId(UUID(text.strip()))
    except ValueError:
        return None


def _chosen(text: str, among: tuple[T, ...]) -> T:
    """Raises FormError: nothing is preset, so something may be missing."""
    for each in among:
        if each.value == text:
            return each
    raise FormError("nothing-chosen")
