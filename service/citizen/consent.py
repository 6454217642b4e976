"""The page of one consent: what was given, what became of it, and everything that can be done.

Each act has a form of its own that stands on the page from the start; none is preset.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork
from consent.conditions import ChoiceError
from consent.lifecycle import RENEWABLE_FOR, Party
from consent.model import Consent, Receipt, Status
from consent.narrowing import narrow, removable
from consent.pausing import pause, resume
from consent.reading import records_of
from consent.receipts import receipts_of_consents
from policies.entries import Attribute
from policies.ids import AttributeId, ConsentId, PersonId
from policies.vocabulary import Language, LevelOfAssurance
from service.citizen.consents import Row, own, row
from service.pages import act_once, language_of, render, runtime_of, see_other, use_form
from service.sessions import Session, require_session
from service.words import reasons

router = APIRouter(include_in_schema=False)


class Done(StrEnum):
    """What the person has just done."""

    PAUSED = "paused"
    RESUMED = "resumed"
    NARROWED = "narrowed"


@dataclass(frozen=True, slots=True)
class Step:
    """One version of the consent, with its receipt where it has one."""

    at: datetime
    status: Status
    words: str
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class View:
    """A consent with its history and the forms of what can be done to it now."""

    row: Row
    steps: list[Step]
    forms: dict[str, str]
    removable: tuple[Attribute, ...]
    """What can be taken out, while it is in force."""

    @property
    def consent(self) -> Consent:
        return self.row.consent

    def is_renewable(self, now: datetime) -> bool:
        """Whether its end is near enough to ask whether it goes on."""
        ends = self.consent.not_after
        active = self.consent.status is Status.ACTIVE and ends is not None
        return active and ends is not None and ends - RENEWABLE_FOR <= now < ends

    @property
    def stopped_by_me(self) -> bool:
        stopped = self.consent.suspended
        return stopped is not None and stopped.by is Party.SUBJECT


@router.get("/{language:lang}/consents/{consent_id}")
def show(
    request: Request, consent_id: UUID, done: Annotated[Done | None, Query()] = None
) -> Response:
    """One consent of the person. Raises UnknownConsentError."""
    return _page(request, consent_id, done=done)


@router.post("/{language:lang}/consents/{consent_id}/pause")
def pause_one(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Stop it for a while: from now on nothing can be fetched on it."""
    return _acted(request, language, consent_id, "pause", form, pause, Done.PAUSED)


@router.post("/{language:lang}/consents/{consent_id}/resume")
def resume_one(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Let it go on."""
    return _acted(request, language, consent_id, "resume", form, resume, Done.RESUMED)


@router.post("/{language:lang}/consents/{consent_id}/narrow")
def narrow_one(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
    attribute: Annotated[list[str] | None, Form(max_length=40)] = None,
) -> Response:
    """Give what was ticked no more. With nothing ticked the page comes again and says so."""
    act = partial(narrow, without=tuple(AttributeId(each) for each in attribute or ()))
    try:
        return _acted(request, language, consent_id, "narrow", form, act, Done.NARROWED)
    except ChoiceError:
        return _page(request, consent_id, problem=True)


def _page(
    request: Request, consent_id: UUID, *, done: Done | None = None, problem: bool = False
) -> Response:
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read(session.person) as connection:
        view = _view(request, connection, session, own(connection, session, consent_id))
    status = 409 if problem else 200
    return render(
        request,
        "citizen/consent.html",
        status_code=status,
        view=view,
        done=done,
        problem=problem,
    )


class _ByPerson(Protocol):
    """What a person does to a consent of hers; its receipt comes with it (consent.receipts)."""

    def __call__(
        self, uow: UnitOfWork, consent_id: ConsentId, /, *, person: PersonId, loa: LevelOfAssurance
    ) -> object: ...


def _acted(
    request: Request,
    language: Language,
    consent_id: UUID,
    use: str,
    form: str,
    act: _ByPerson,
    done: Done,
) -> Response:
    """Do it once, and show the consent as it is then."""
    session, id_ = require_session(request), ConsentId(consent_id)

    def shown(uow: UnitOfWork) -> str:
        act(uow, id_, person=session.person, loa=session.loa)
        return f"/{language}/consents/{id_}?done={done}"

    return see_other(act_once(request, form, _use(use, id_), shown))


def _view(request: Request, connection: Connection, session: Session, found: Consent) -> View:
    shown = row(request, connection, session, found)
    takes_out = removable(found, shown.declaration) if found.status is Status.ACTIVE else ()
    return View(
        row=shown,
        steps=_steps(connection, found.id, language_of(request)),
        forms={
            use: use_form(request, session, _use(use, found.id))
            for use in _POSSIBLE.get(found.status, ())
        },
        removable=tuple(each for each in shown.granted if each.id in takes_out),
    )


_POSSIBLE = {Status.ACTIVE: ("pause", "narrow"), Status.SUSPENDED: ("resume",)}
"""What the person can do to it, beside withdrawing."""


def _steps(connection: Connection, consent_id: ConsentId, language: Language) -> list[Step]:
    receipts = {each.version: each for each in receipts_of_consents(connection, [consent_id])}
    return [
        Step(
            at=each.at,
            status=each.status,
            words=_words(each.content["events"][-1], language),
            receipt=receipts.get(each.version),
        )
        for each in records_of(connection, consent_id)
    ]


def _words(event: dict[str, Any], language: Language) -> str:
    """What was done, and on which ground where there is one."""
    codes = [event["event_reason"], event.get("event_ground")]
    return " ".join(reasons()[each].in_words(language, {}) for each in codes if each)


def _use(use: str, consent_id: ConsentId) -> str:
    return f"{use}/{consent_id}"
