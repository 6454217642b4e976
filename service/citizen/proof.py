"""One line of the person's log as a file that proves it: she can check and show it without us."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from policies.ids import EventId
from service.api.proofs import document_for_person
from service.pages import runtime_of
from service.sessions import require_session

router = APIRouter(include_in_schema=False)


@router.get("/{language:lang}/log/{event_id}/proof")
def proof(request: Request, event_id: UUID) -> Response:
    """The event with what she may open of it, and its proof (audit.event_proof)."""
    runtime, session = runtime_of(request), require_session(request)
    document = document_for_person(runtime, session.person, EventId(event_id))
    name = f'attachment; filename="event-{event_id}.proof.json"'
    return Response(
        str(document),
        media_type="application/json",
        headers={"Content-Disposition": name, "Cache-Control": "no-store"},
    )
