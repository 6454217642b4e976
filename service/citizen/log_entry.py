"""A line of the person's log, checked: in plain words, and as files that she can check herself.

A line about somebody else is answered like one that there is not. Addresses hold the event's
random number and nothing about her.
"""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit.event_proof import EventProof
from consent.flagging import flagged_of
from consent.purposes import purposes_in_force
from policies.ids import EventId
from policies.vocabulary import Language
from service.api.proofs import NotInLogError
from service.citizen.log_check import FILE, check_line
from service.pages import render, runtime_of
from service.sessions import require_session
from service.words import line

router = APIRouter(include_in_schema=False)

PROOF_FILE = "entry.tlog-proof"
"""What `/audit/proof/{event}` gives is kept under this name."""
ENTRY_FILE = "entry.txt"


@router.get("/{language:lang}/log/{event_id}")
def checked(request: Request, language: Language, event_id: UUID) -> Response:
    """What stands in the log about it, and whether it is proven."""
    runtime, session = runtime_of(request), require_session(request)
    check = check_line(runtime, session, EventId(event_id))
    with runtime.ledger.read() as connection:
        purposes = purposes_in_force(connection)
        flagged = EventId(event_id) in flagged_of(connection, session.person)
    return render(
        request,
        "citizen/log_entry.html",
        flagged=flagged,
        check=check,
        line=line(runtime.catalogue, purposes, check.entry, language),
        file=FILE,
        entry_file=ENTRY_FILE,
        proof_file=PROOF_FILE,
    )


@router.get("/{language:lang}/log/{event_id}/proof.json")
def document(request: Request, event_id: UUID) -> Response:
    """The event with what she may read of it and its proof (audit.event_proof)."""
    return _file(str(_document(request, event_id)), "application/json", FILE)


@router.get("/{language:lang}/log/{event_id}/entry.txt")
def entry(request: Request, event_id: UUID) -> Response:
    """The entry as the tree holds it: it tells nothing about her, so it can be shown around."""
    made = _document(request, event_id).entry
    return _file(made, "text/plain; charset=utf-8", ENTRY_FILE)


def _document(request: Request, event_id: UUID) -> EventProof:
    """Also where the check fails: then it is what shows it. Raises NotInLogError."""
    runtime, session = runtime_of(request), require_session(request)
    made = check_line(runtime, session, EventId(event_id)).document
    if made is None:
        raise NotInLogError
    return made


def _file(content: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
