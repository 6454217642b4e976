"""The list of all consents, and withdrawing one: one action, on its row."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from sqlalchemy import Connection
from starlette.responses import Response

from audit.unit_of_work import UnitOfWork
from consent.choices import UnknownConsentError, withdraw
from consent.lifecycle import IllegalTransitionError
from consent.model import LIVE, OPEN, Consent, Status
from consent.purposes import purpose_version
from consent.reading import consent, consents_of
from consent.receipts import issue_receipt, receipt_of_record, receipts_of_consents
from policies.entries import Attribute, Organisation
from policies.ids import ConsentId, ReceiptId
from policies.purposes import PurposeDeclaration
from policies.vocabulary import Language
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.sessions import Session, require_session

router = APIRouter(include_in_schema=False)

PAGE = 20
"""Rows of one part of the list on one page."""


class Part(StrEnum):
    """The parts of the list, in their order on the page."""

    ACTIVE = "active"
    WAITING = "waiting"
    ENDED = "ended"
    REFUSED = "refused"


STATUSES = {
    Part.ACTIVE: LIVE,
    Part.WAITING: OPEN,
    Part.ENDED: frozenset(Status) - OPEN - LIVE - {Status.REFUSED},
    Part.REFUSED: frozenset({Status.REFUSED}),
}


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


@dataclass(frozen=True, slots=True)
class Section:
    """One page of one part."""

    part: Part
    rows: list[Row]
    more_after: ConsentId | None
    """The last row, when others come after it."""


@router.get("/{language:lang}/consents")
def consents(
    request: Request,
    done: Annotated[UUID | None, Query()] = None,
    part: Annotated[Part | None, Query()] = None,
    after: Annotated[UUID | None, Query()] = None,
) -> Response:
    """The newest of each part, or one part from some row on."""
    return _listed(request, done=done, part=part, after=after)


def _listed(
    request: Request,
    *,
    done: UUID | None,
    part: Part | None = None,
    after: UUID | None = None,
    status_code: int = 200,
) -> Response:
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read(session.person) as connection:
        last = own(connection, session, after) if part and after else None
        sections = [
            _section(request, connection, session, each, after=last)
            for each in ([part] if part else Part)
        ]
        finished = [own(connection, session, done)] if done else []
        ended = [each for each in finished if each.status not in OPEN | LIVE]
        told = _rows(request, connection, session, ended)
    return render(
        request,
        "citizen/consents.html",
        status_code=status_code,
        part=part,
        sections=sections,
        ended=told,
    )


@router.post("/{language:lang}/consents/{consent_id}/withdraw")
def withdraw_one(
    request: Request,
    language: Language,
    consent_id: UUID,
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Withdraw: from now on nothing can be fetched on it.

    What has ended meanwhile, by its last use or by time, cannot be withdrawn, and is what the
    person wanted: the answer is the list, which says so.
    """
    runtime, session = runtime_of(request), require_session(request)
    withdrawn = ConsentId(consent_id)

    def act(uow: UnitOfWork) -> str:
        record = withdraw(uow, withdrawn, person=session.person, loa=session.loa)
        if receipt_of_record(uow.connection, withdrawn, record.version) is None:
            issue_receipt(uow, record, runtime.receipt_signer)
        return shown

    shown = f"/{language}/consents?done={withdrawn}"
    try:
        return see_other(act_once(request, form, _use(withdrawn), act))
    except IllegalTransitionError as error:
        if error.status in OPEN:
            raise
        return _listed(request, done=consent_id, status_code=409)


def row(request: Request, connection: Connection, session: Session, found: Consent) -> Row:
    """One consent of the person as it stands in the list."""
    (only,) = _rows(request, connection, session, [found])
    return only


def newest_active(request: Request, session: Session, limit: int) -> list[Row]:
    """The newest consents that are in force."""
    with runtime_of(request).ledger.read(session.person) as connection:
        found = consents_of(connection, session.person, LIVE, limit=limit)
        return _rows(request, connection, session, found)


def _rows(
    request: Request, connection: Connection, session: Session, found: Collection[Consent]
) -> list[Row]:
    """The rows of these consents of the person, in their order."""
    runtime = runtime_of(request)
    receipts = receipts_of_consents(connection, [each.id for each in found])
    declarations = _declarations(connection, found)
    newest = {each.consent: each.id for each in reversed(receipts)}
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


def _section(
    request: Request,
    connection: Connection,
    session: Session,
    part: Part,
    *,
    after: Consent | None,
) -> Section:
    """One page of a part; one row more is read than it shows, to know whether others follow."""
    found = consents_of(connection, session.person, STATUSES[part], after=after, limit=PAGE + 1)
    shown = found[:PAGE]
    more_after = shown[-1].id if len(found) > PAGE else None
    return Section(part, _rows(request, connection, session, shown), more_after)


def own(connection: Connection, session: Session, consent_id: UUID) -> Consent:
    """The person's consent. Raises UnknownConsentError."""
    found = consent(connection, ConsentId(consent_id))
    if found is None or found.person != session.person:
        raise UnknownConsentError
    return found


def _declarations(
    connection: Connection, consents: Iterable[Consent]
) -> dict[tuple[str, int], PurposeDeclaration]:
    """The declarations by id and version, each read once."""
    wanted = {(each.purpose, each.purpose_version) for each in consents}
    found = {key: purpose_version(connection, *key) for key in wanted}
    return {key: declaration for key, declaration in found.items() if declaration is not None}


def _use(consent_id: ConsentId) -> str:
    return f"withdraw/{consent_id}"
