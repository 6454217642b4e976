"""The page of a renewal: what would go on, what the notice says else than before, the answer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork, begin
from consent.conditions import Choice, ChoiceError
from consent.receipts import issue_receipt
from consent.renewing import Renewal, renew, renewal
from policies.ids import ConsentId
from policies.vocabulary import Language
from service.citizen.consents import own
from service.citizen.facts import by_dataset
from service.citizen.question import Asked, check_same_values, choice_of, look
from service.forms import Form as OneTimeForm
from service.forms import once, open_form
from service.pages import render, runtime_of, see_other, use_form
from service.sessions import require_session

router = APIRouter(include_in_schema=False)

TEMPLATE = "renew@1"
"""Name and version of the template; a change of what it says is a new version."""
_FILE = "citizen/renew.html"
_SHOW = "show"


@router.get("/{language:lang}/consents/{consent_id}/renew")
def ask(request: Request, language: Language, consent_id: UUID) -> Response:
    """Whether to let it go on after its end, with the real values and the changed terms.

    Raises UnknownConsentError, ChoiceError and the errors of the lifecycle.
    """
    return _page(request, language, ConsentId(consent_id))


@router.post("/{language:lang}/consents/{consent_id}/renew")
def answer(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
    decision: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Let it go on. What ends it is doing nothing."""
    runtime, session = runtime_of(request), require_session(request)
    id_ = ConsentId(consent_id)
    if decision == _SHOW:
        return _page(request, language, id_, reveal=True)
    opened = open_form(session, form, use=_use(id_), now=runtime.now())

    def act(uow: UnitOfWork) -> str:
        standing = own(uow.connection, session, consent_id)
        choice = _choice(opened, language, renewal(uow.connection, standing, catalogue, uow.now))
        check_same_values(uow, session.person, standing.granted, opened)
        record = renew(uow, id_, choice, catalogue)
        receipt = issue_receipt(uow, record, runtime.receipt_signer)
        return f"/{language}/receipts/{receipt.id}"

    catalogue = runtime.catalogue
    try:
        return see_other(once(runtime.ledger, opened, runtime.now(), act))
    except ChoiceError:
        return _page(request, language, id_, problem=True)


def _page(
    request: Request,
    language: Language,
    consent_id: ConsentId,
    *,
    reveal: bool = False,
    problem: bool = False,
) -> Response:
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read(session.person) as connection:
        standing = own(connection, session, consent_id)
        found = renewal(connection, standing, runtime.catalogue, runtime.now())
    asked = Asked(found.question, runtime.catalogue.organisation(standing.organisation))
    if asked.needs_step_up(session):
        return render(request, "citizen/step_up.html", asked=asked)
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        seen = look(
            uow,
            runtime.vault,
            session,
            asked,
            language=language,
            reveal=reveal,
            template=TEMPLATE,
        )
    return render(
        request,
        _FILE,
        status_code=409 if problem else 200,
        asked=asked,
        standing=standing,
        seen=seen,
        datasets=by_dataset(seen.shown.values()),
        differences=found.differences,
        attributes=runtime.catalogue.attributes,
        reveal=reveal,
        problem=problem,
        form=use_form(request, session, _use(consent_id), seen.bound),
    )


def _choice(form: OneTimeForm, language: Language, asked: Renewal) -> Choice:
    granted = asked.question.waiting.granted
    return choice_of(form, language, granted, template=TEMPLATE, file=_FILE)


def _use(consent_id: ConsentId) -> str:
    return f"renew/{consent_id}"
