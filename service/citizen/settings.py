"""Settings: where the person is signed in, and ending it there."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork
from policies.ids import SessionId
from policies.vocabulary import Language
from service.model import Limits
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.sessions import end, require_session, sessions_of
from service.signin import signed_out

router = APIRouter(include_in_schema=False)


@router.get("/{language:lang}/settings")
def settings(request: Request) -> Response:
    """The person's sessions, this one marked."""
    runtime, session = runtime_of(request), require_session(request)
    limits = Limits.from_settings(runtime.settings)
    with runtime.ledger.read(session.person) as connection:
        found = sessions_of(connection, session.person, now=runtime.now(), limits=limits)
    forms = {each.id: use_form(request, session, _use(each.id)) for each in found}
    return render(request, "citizen/settings.html", sessions=found, ends=forms, limits=limits)


@router.post("/{language:lang}/settings/sessions/{session_id}/end")
def end_one(
    request: Request,
    language: Language,
    session_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """End one of the person's sessions; ending this one is signing out."""
    runtime, session = runtime_of(request), require_session(request)
    ended = SessionId(session_id)

    def act(uow: UnitOfWork) -> str:
        end(uow, ended, person=session.person, reason="ended-from-list")
        return f"/{language}/settings"

    outcome = act_once(request, form, _use(ended), act)
    return signed_out(runtime, language) if ended == session.id else see_other(outcome)


def _use(session_id: SessionId) -> str:
    return f"end-session/{session_id}"
