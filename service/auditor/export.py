"""Taking the log out: one file with its proofs, which anybody verifies without us."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from audit.bundle import write_bundle
from audit.model import Event, Kind
from audit.proofs import log_state
from audit.unit_of_work import begin
from policies.vocabulary import Language
from service.forms import open_form
from service.pages import runtime_of, see_other
from service.sessions import require_session

router = APIRouter(include_in_schema=False)


@router.post("/{language:lang}/audit/export")
def export(
    request: Request, language: Language, form: Annotated[str, Form(max_length=1024)] = ""
) -> Response:
    """The file, after the event which says who took which log out and up to which size."""
    runtime, session = runtime_of(request), require_session(request)
    open_form(session, form, use="export", now=runtime.now())
    with runtime.ledger.read() as connection:
        state = log_state(connection)
    if state.log is None:
        return see_other(f"/{language}/audit")
    policy = runtime.settings.log_policy
    # Nothing changes by it, so each time that the form comes back is an export of its own.
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.LOG_EXPORTED, reference=f"{state.log} size-{state.size}"))
    with runtime.ledger.read() as connection:
        bundle = write_bundle(
            connection,
            runtime.ledger,
            signers=runtime.log_signers,
            log=state.log,
            size=state.size,
            policy=None if policy is None else policy.read_bytes(),
        )
    headers = {"Content-Disposition": f'attachment; filename="log-{state.log}-{state.size}.zip"'}
    return Response(bundle, media_type="application/zip", headers=headers)
