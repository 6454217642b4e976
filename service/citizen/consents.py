"""The list of all consents, and withdrawing one: one action, on its row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork
from consent.choices import withdraw
from consent.lifecycle import IllegalTransitionError
from consent.model import LIVE, OPEN, Consent, Status
from consent.purposes import purpose_version
from consent.reading import consents_of
from consent.receipts import issue_receipt, receipt_of_record, receipts_of
from policies.entries import Attribute, Organisation
from policies.ids import ConsentId, ReceiptId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import Language
from service.forms import once, open_form
from service.pages import render, runtime_of, see_other, use_form
from service.runtime import Runtime
from service.sessions import Session, require_session

router = APIRouter(include_in_schema=False)

REFUSED = frozenset({Status.REFUSED})


@dataclass(frozen=True, slots=True)
class Row:
    """One consent in the list."""

    consent: Consent
    organisation: Organisation
    declaration: PurposeDeclaration
    granted: tuple[Attribute, ...]
    receipt: ReceiptId | None
    form: str = ""
    """One-time form id for withdrawing, while there is something to withdraw."""


@router.get("/{language:lang}/consents")
def consents(request: Request, done: Annotated[UUID | None, Query()] = None) -> Response:
    """All consents: waiting, active, ended, refused."""
    runtime, session = runtime_of(request), require_session(request)
    rows = rows_of(request, runtime, session)
    return render(
        request,
        "citizen/consents.html",
        waiting=_with(rows, OPEN),
        active=_with(rows, LIVE),
        refused=_with(rows, REFUSED),
        ended=_with(rows, frozenset(Status) - OPEN - LIVE - REFUSED),
        withdrawn=_named(rows, done, frozenset({Status.WITHDRAWN})),
        ended_before=_named(rows, done, frozenset(Status) - OPEN - LIVE - {Status.WITHDRAWN}),
    )


@router.post("/{language:lang}/consents/{consent_id}/withdraw")
def withdraw_one(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Withdraw: from now on nothing can be fetched on it.

    What has ended meanwhile, by its last use or by time, is what the person wanted: the list
    says so.
    """
    runtime, session = runtime_of(request), require_session(request)
    withdrawn = ConsentId(consent_id)
    opened = open_form(session, form, use=_use(withdrawn), now=runtime.now())

    def act(uow: UnitOfWork) -> str:
        record = withdraw(uow, withdrawn, person=session.person, loa=session.loa)
        if receipt_of_record(uow.connection, withdrawn, record.version) is None:
            issue_receipt(uow, record, runtime.receipt_signer)
        return shown

    shown = f"/{language}/consents?done={withdrawn}"
    try:
        return see_other(once(runtime.ledger, opened, runtime.now(), act))
    except IllegalTransitionError as error:
        if error.status in OPEN:
            raise
        return see_other(shown)


def rows_of(request: Request, runtime: Runtime, session: Session) -> list[Row]:
    """All consents of the person, newest first."""
    with runtime.ledger.read() as connection:
        found = consents_of(connection, session.person)
        newest = {
            each.consent: each.id for each in reversed(receipts_of(connection, session.person))
        }
        declarations = _declarations(connection, found)
    return [
        Row(
            consent=each,
            organisation=runtime.catalogue.organisation(each.organisation),
            declaration=declarations[each.purpose, each.purpose_version],
            granted=tuple(runtime.catalogue.attribute(id_) for id_ in each.granted),
            receipt=newest.get(each.id),
            form=use_form(request, session, _use(each.id)) if each.status in LIVE else "",
        )
        for each in found
    ]


def _declarations(
    connection: Connection, consents: Iterable[Consent]
) -> dict[tuple[str, int], PurposeDeclaration]:
    """The declarations by id and version, each read once."""
    wanted = {(each.purpose, each.purpose_version) for each in consents}
    found = {key: purpose_version(connection, *key) for key in wanted}
    return {key: declaration for key, declaration in found.items() if declaration is not None}


def _with(rows: Iterable[Row], statuses: frozenset[Status]) -> list[Row]:
    return [row for row in rows if row.consent.status in statuses]


def _named(rows: Iterable[Row], id_: UUID | None, statuses: frozenset[Status]) -> Row | None:
    """The row with this id, when it stands so."""
    return next((row for row in _with(rows, statuses) if row.consent.id == id_), None)


def _use(consent_id: ConsentId) -> str:
    return f"withdraw/{consent_id}"
