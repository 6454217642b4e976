"""A receipt to take along: signed, with the proof of the log, for whoever checks it without us.

That it was taken out is an event, committed before its first byte leaves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit.event_document import event_document
from audit.event_proof import EventProof
from audit.merkle import ProofError
from audit.model import Event, Kind
from audit.reader import own
from audit.seal import SealedEventError
from audit.tree import TreeDamagedError
from audit.unit_of_work import begin
from consent.model import Receipt
from consent.receipt_check import FIELDS
from consent.receipt_file import ReceiptFile
from policies.ids import ReceiptId
from service.citizen.receipts import MEDIA_TYPE, own_receipt
from service.pages import runtime_of
from service.runtime import Runtime
from service.sessions import require_session

router = APIRouter(include_in_schema=False)


class Form(StrEnum):
    """In which forms a receipt is given."""

    SIGNED = "signed"
    """The JWS with the proof of the log (RFC 7515 section 7.2.2)."""


@dataclass(frozen=True, slots=True)
class File:
    """What is given, and as what."""

    content: str
    media_type: str
    suffix: str


@router.get("/{language:lang}/receipts/{receipt_id}/as/{form}")
def take_out(request: Request, receipt_id: UUID, form: Form) -> Response:
    """The receipt in one of the forms."""
    runtime, session = runtime_of(request), require_session(request)
    found = own_receipt(runtime, session, ReceiptId(receipt_id))
    file = _FORMS[form](runtime, found)
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.RECEIPT_READ, subject=session.person, reference=str(found.id)))
    name = f'attachment; filename="receipt-{found.id}.{file.suffix}"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)


def proof_of(runtime: Runtime, found: Receipt) -> EventProof | None:
    """The proof of the event that the receipt names; None while it waits for its place, and where
    the log does not give one any more: the page of the line in the log says what is wrong."""
    with runtime.ledger.read(found.person) as connection:
        try:
            return event_document(
                connection,
                runtime.ledger,
                found.event_id,
                may_open=own(found.person),
                fields=FIELDS,
            )
        except (SealedEventError, TreeDamagedError, ProofError):
            return None


def _signed(runtime: Runtime, found: Receipt) -> File:
    file = ReceiptFile(found.jws, proof_of(runtime, found))
    if file.proof is None:
        return File(str(file), MEDIA_TYPE, "jws")
    return File(str(file), "application/jose+json", "json")


_FORMS: dict[Form, Callable[[Runtime, Receipt], File]] = {Form.SIGNED: _signed}
