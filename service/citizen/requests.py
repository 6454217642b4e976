"""The requests that wait, and the page of one: who asks for what, and the person's answer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork, begin
from consent.choices import give, refuse
from consent.conditions import Choice, ChoiceError
from consent.deferring import defer, reopen
from consent.lifecycle import GuardError, IllegalTransitionError
from consent.reading import requests_waiting
from consent.receipts import issue_receipt, receipts_of_consents
from policies.ids import AttributeId, ConsentId
from policies.vocabulary import Language, Necessity
from service.citizen.facts import by_dataset
from service.citizen.question import FILE, Asked, Seen, asked, check_same_values, choice_of, look
from service.forms import Form as OneTimeForm
from service.forms import FormError, once, open_form
from service.pages import render, runtime_of, see_other, use_form
from service.runtime import Runtime
from service.sessions import Session, require_session

router = APIRouter(include_in_schema=False)

_SHOW, _HIDE = "show", "hide"
_LATER, _BACK = "later", "back"
_LOOK_AGAIN = frozenset(
    {
        "notice-not-current",
        "notice-not-just-shown",
        "end-not-possible",
        "not-of-this-session",
        "too-old",
    }
)
"""Faults that a second look mends."""


@router.get("/{language:lang}/requests")
def requests(request: Request) -> Response:
    """What waits for an answer."""
    runtime, session = runtime_of(request), require_session(request)
    return render(request, "citizen/requests.html", waiting=waiting(runtime, session))


@router.get("/{language:lang}/requests/{consent_id}")
def show(request: Request, language: Language, consent_id: UUID) -> Response:
    """One request with the real values."""
    return _page(request, language, ConsentId(consent_id))


@router.post("/{language:lang}/requests/{consent_id}")
def answer(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
    decision: Annotated[str, Form(max_length=16)] = "",
    attribute: Annotated[list[str] | None, Form(max_length=40)] = None,
) -> Response:
    """The person's answer: give what is needed and ticked, refuse, or answer later.

    Showing the hidden values, or hiding them again, answers nothing. It comes by the same form,
    so that the page can keep what was ticked without a word of it in an address.
    """
    runtime, session = runtime_of(request), require_session(request)
    request_id, ticked = ConsentId(consent_id), tuple(attribute or ())
    if decision in (_SHOW, _HIDE):
        return _page(request, language, request_id, reveal=decision == _SHOW, ticked=ticked)
    try:
        opened = open_form(session, form, use=_use(request_id), now=runtime.now())
        outcome = once(
            runtime.ledger,
            opened,
            runtime.now(),
            lambda uow: _answered(uow, runtime, opened, request_id, language, decision, ticked),
        )
    except (FormError, ChoiceError, IllegalTransitionError, GuardError) as error:
        return _page(request, language, request_id, problem=_problem(error), ticked=ticked)
    return see_other(outcome)


def waiting(runtime: Runtime, session: Session) -> list[Asked]:
    """The requests that wait for this person and have not run out."""
    now = runtime.now()
    with runtime.ledger.read(session.person) as connection:
        found = [
            asked(connection, runtime.catalogue, session, each.id)
            for each in requests_waiting(connection, session.person)
        ]
    return [each for each in found if each.is_open(now)]


def _page(
    request: Request,
    language: Language,
    consent_id: ConsentId,
    *,
    reveal: bool = False,
    problem: str = "",
    ticked: tuple[str, ...] = (),
) -> Response:
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read(session.person) as connection:
        question = asked(connection, runtime.catalogue, session, consent_id)
        receipts = receipts_of_consents(connection, [consent_id])
    if not question.is_open(runtime.now()):
        return render(
            request,
            "citizen/answered.html",
            status_code=409 if problem else 200,
            asked=question,
            receipts=receipts,
            problem=problem,
        )
    if question.needs_step_up(session):
        return render(request, "citizen/step_up.html", asked=question)
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        seen = look(uow, runtime.vault, session, question, language=language, reveal=reveal)
    return _question_page(
        request, session, question, seen, reveal=reveal, problem=problem, ticked=ticked
    )


def _question_page(
    request: Request,
    session: Session,
    question: Asked,
    seen: Seen,
    *,
    reveal: bool,
    problem: str,
    ticked: tuple[str, ...],
) -> Response:
    why = {each.id: each for each in question.declaration.attributes}
    needed, optional = (
        by_dataset(seen.shown[each.id] for each in question.requested(necessity))
        for necessity in (Necessity.REQUIRED, Necessity.OPTIONAL)
    )
    return render(
        request,
        FILE,
        status_code=409 if problem else 200,
        asked=question,
        seen=seen,
        needed=needed,
        optional=optional,
        may_tick=any(not each.protected for _, members in optional for each in members),
        why=why,
        reveal=reveal,
        problem=problem,
        ticked=ticked,
        form=use_form(request, session, _use(question.consent.id), seen.bound),
    )


def _answered(
    uow: UnitOfWork,
    runtime: Runtime,
    form: OneTimeForm,
    consent_id: ConsentId,
    language: Language,
    decision: str,
    ticked: tuple[str, ...],
) -> str:
    """Take the answer and give the address of its receipt; put off, there is none yet."""
    question = asked(uow.connection, runtime.catalogue, form.session, consent_id)
    person = form.session.person
    if decision == _LATER:
        defer(uow, consent_id, person=person)
        return f"/{language}/requests"
    if decision == _BACK:
        reopen(uow, consent_id, person=person)
        return f"/{language}/requests/{consent_id}"
    choice = _choice(form, question, language, ticked)
    if choice.notice_digest != question.declaration.digest():
        raise ChoiceError("notice-not-current")
    match decision:
        case "give":
            check_same_values(uow, person, question.consent.requested, form)
            record = give(uow, consent_id, choice)
        case "refuse":
            record = refuse(uow, consent_id, choice)
        case _:
            raise FormError("no-decision")
    receipt = issue_receipt(uow, record, runtime.receipt_signer)
    return f"/{language}/receipts/{receipt.id}"


def _choice(
    form: OneTimeForm, question: Asked, language: Language, ticked: tuple[str, ...]
) -> Choice:
    needed = [each.id for each in question.requested(Necessity.REQUIRED)]
    granted = tuple(dict.fromkeys([*needed, *(AttributeId(each) for each in ticked)]))
    choices = tuple(each.id for each in question.requested(Necessity.OPTIONAL))
    return choice_of(form, language, granted, choices=choices)


def _problem(error: FormError | ChoiceError | IllegalTransitionError | GuardError) -> str:
    if isinstance(error, IllegalTransitionError | GuardError):
        return "answered"
    if error.reason in _LOOK_AGAIN:
        return "changed"
    return "nothing" if error.reason == "nothing-granted" else "not-possible"


def _use(consent_id: ConsentId) -> str:
    return f"request/{consent_id}"
