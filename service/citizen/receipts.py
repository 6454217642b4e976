"""Receipts: a page that prints well, and the signed file to keep."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from audit.model import Event, Kind
from audit.unit_of_work import begin
from consent.model import Consent, Receipt, Status
from consent.purposes import purpose_version
from consent.reading import consent, record
from consent.receipt_content import ReceiptContent, content_of
from consent.receipt_jws import digest_of, unverified_payload
from consent.receipts import receipt, receipts_of
from policies.entries import Attribute, Organisation
from policies.ids import ReceiptId
from policies.purposes import PurposeDeclaration
from service.citizen.earlier import Of, earlier_records, record_of
from service.citizen.receipt_forms import named_forms
from service.citizen.receipt_proof import Place, proof_of
from service.pages import render, runtime_of
from service.runtime import Runtime
from service.sessions import Session, require_session

router = APIRouter(include_in_schema=False)

PAGE = 20
MEDIA_TYPE = "application/jose"
"""A JWS in compact form (RFC 7515 section 9.2.1)."""


class NoSuchReceiptError(LookupError):
    """There is no such receipt, or it is another person's: the error does not tell which."""


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt in words: what it says, and of which answer."""

    receipt: Receipt
    status: Status
    reason: str
    """What was done, as a reason code."""
    consent: Consent
    organisation: Organisation
    declaration: PurposeDeclaration
    granted: tuple[Attribute, ...]
    refused: tuple[Attribute, ...]
    not_after: datetime | None
    digest: str
    """SHA-256 of the signed file, as it is downloaded."""

    @property
    def may_return(self) -> bool:
        """An answer is taken back to the one who asked; a withdrawal is not, nor what the vault
        asked by itself since a notice changed."""
        answered = self.consent.status in {Status.ACTIVE, Status.REFUSED}
        return self.receipt.version == 1 and answered and self.consent.follows is None


@router.get("/{language:lang}/receipts")
def receipts(
    request: Request, after: Annotated[UUID | None, Query()] = None, of: Of = None
) -> Response:
    """The receipts, newest first, a page at a time."""
    runtime, session = runtime_of(request), require_session(request)
    last = own_receipt(runtime, session, ReceiptId(after)) if after else None
    earlier = earlier_records(runtime, session)
    person = record_of(earlier, session, of)
    with runtime.ledger.read(person) as connection:
        found = receipts_of(connection, person, after=last, limit=PAGE + 1)
    shown = found[:PAGE]
    return render(
        request,
        "citizen/receipts.html",
        views=[_view(runtime, each) for each in shown],
        first_page=last is None,
        more_after=shown[-1].id if len(found) > PAGE else None,
        earlier=len(earlier),
        of=of,
    )


@router.get("/{language:lang}/receipts/{receipt_id}")
def show(request: Request, receipt_id: UUID) -> Response:
    """One receipt as a page."""
    runtime, session = runtime_of(request), require_session(request)
    found = own_receipt(runtime, session, ReceiptId(receipt_id))
    proof = proof_of(runtime, found)
    return render(
        request,
        "citizen/receipt.html",
        view=_view(runtime, found),
        forms_for_others=named_forms(read_receipt(found)),
        place=None if proof is None else Place.of(proof),
    )


@router.get("/{language:lang}/receipts/{receipt_id}/file")
def download(request: Request, receipt_id: UUID) -> Response:
    """One receipt as it was signed; that it was taken out is recorded."""
    runtime, session = runtime_of(request), require_session(request)
    found = own_receipt(runtime, session, ReceiptId(receipt_id))
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.RECEIPT_READ, subject=session.person, reference=str(found.id)))
    name = f'attachment; filename="receipt-{found.id}.jws"'
    return Response(found.jws, media_type=MEDIA_TYPE, headers={"Content-Disposition": name})


def own_receipt(runtime: Runtime, session: Session, receipt_id: ReceiptId) -> Receipt:
    """The person's receipt, or one of a record that was joined to hers."""
    for person in (session.person, *earlier_records(runtime, session)):
        with runtime.ledger.read(person) as connection:
            found = receipt(connection, receipt_id)
        if found is not None and found.person == person:
            return found
    raise NoSuchReceiptError


def _view(runtime: Runtime, found: Receipt) -> ReceiptView:
    content = read_receipt(found)
    with runtime.ledger.read(found.person) as connection:
        standing = consent(connection, found.consent)
        of_record = record(connection, found.consent, found.version)
        if standing is None or of_record is None:
            raise RuntimeError("a receipt stands for a consent that has no record")
        declaration = purpose_version(connection, content.purpose, version_of(content))
    if declaration is None:
        raise RuntimeError("a consent stands for a purpose that was never registered")
    return ReceiptView(
        receipt=found,
        status=of_record.status,
        reason=content.happened.reason,
        consent=standing,
        organisation=runtime.catalogue.organisation(standing.organisation),
        declaration=declaration,
        granted=tuple(map(runtime.catalogue.attribute, content.granted)),
        refused=tuple(map(runtime.catalogue.attribute, content.refused)),
        not_after=content.not_after,
        digest=digest_of(found.jws),
    )


def read_receipt(found: Receipt) -> ReceiptContent:
    """What the receipt says. It is our own, from our own store: whoever else reads it verifies."""
    return content_of(unverified_payload(found.jws))


def version_of(content: ReceiptContent) -> int:
    """Which version of the purpose was answered: a consent may have gone on by a later one."""
    return int(content.notice_version.rpartition("@")[2])
