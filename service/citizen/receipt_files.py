"""A receipt to take along: signed, with the proof of the log, and in the forms of other standards.

That it was taken out is an event, committed before its first byte leaves.
"""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit.model import Event, Kind
from audit.unit_of_work import begin
from consent.exchange.source import Source
from consent.model import Receipt
from consent.purposes import purpose_version
from consent.receipt_file import ReceiptFile
from policies.ids import ReceiptId
from policies.processing import processing_register
from policies.purpose_terms import NO_TERMS
from policies.vocabulary import Language
from service.citizen.receipt_forms import Form, is_given, written
from service.citizen.receipt_page import receipt_page
from service.citizen.receipt_proof import Place, proof_of
from service.citizen.receipts import (
    MEDIA_TYPE,
    NoSuchReceiptError,
    own_receipt,
    read_receipt,
    version_of,
)
from service.pages import runtime_of
from service.runtime import Runtime
from service.sessions import require_session

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class File:
    """What is given, and as what."""

    content: str
    media_type: str
    suffix: str


@router.get("/{language:lang}/receipts/{receipt_id}/as/{form}")
def take_out(request: Request, language: Language, receipt_id: UUID, form: Form) -> Response:
    """The receipt in one of the forms. Raises NoSuchReceiptError where it does not have it."""
    runtime, session = runtime_of(request), require_session(request)
    found = own_receipt(runtime, session, ReceiptId(receipt_id))
    if not is_given(form, read_receipt(found)):
        raise NoSuchReceiptError
    file = _file(runtime, found, form, language)
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.RECEIPT_READ, subject=session.person, reference=str(found.id)))
    name = f'attachment; filename="receipt-{found.id}.{file.suffix}"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _file(runtime: Runtime, found: Receipt, form: Form, language: Language) -> File:
    match form:
        case Form.SIGNED:
            return _signed(ReceiptFile(found.jws, proof_of(runtime, found)))
        case Form.PAGE:
            proof = proof_of(runtime, found)
            place = None if proof is None else Place.of(proof)
            page = receipt_page(runtime, _source(runtime, found), place, language)
            return File(page, "text/html; charset=utf-8", "html")
        case _:
            content, media_type = written(form, _source(runtime, found))
            return File(content, media_type, f"{form}.json")


def _signed(file: ReceiptFile) -> File:
    if file.proof is None:
        return File(str(file), MEDIA_TYPE, "jws")
    return File(str(file), "application/jose+json", "json")


def _source(runtime: Runtime, found: Receipt) -> Source:
    content = read_receipt(found)
    with runtime.ledger.read(found.person) as connection:
        declaration = purpose_version(connection, content.purpose, version_of(content))
    terms = NO_TERMS if declaration is None else declaration.terms
    return Source(content, found.jws, runtime.catalogue, processing_register(), terms)
