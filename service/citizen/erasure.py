"""Erasing: what can be erased and why the rest stays, asked once more, and the statement of it.

"No" is a button beside "yes" that looks the same. Who has had everything erased is signed out, so
the page of the statement opens for whoever has its address: it says nothing of who it is.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from audit.model import SYSTEM, Event, Kind
from audit.scope import EVERYONE
from audit.unit_of_work import UnitOfWork, begin
from consent.model import LIVE
from consent.reading import consents_of
from policies.catalogue import Catalogue
from policies.entries import (
    Attribute,
    Dataset,
    Organisation,
    UnknownCatalogueEntryError,
)
from policies.erasure import WhyKept
from policies.ids import DatasetId, PersonId
from policies.vocabulary import Language
from service.erasing import drop_copies, erase
from service.forms import once, open_form, outcome_of
from service.pages import act_once, render, runtime_of, see_other, use_form
from service.runtime import Runtime
from service.sessions import Cookie, Session, current_session, require_session
from vault.erasure import Request as Erasing
from vault.erasure import may_erase
from vault.erasure_statement import Statement, content_of, statement
from vault.holdings import describe
from vault.unwanted import allow_again, unwanted_of

router = APIRouter(include_in_schema=False)

EVERYTHING = "everything"
MEDIA_TYPE = "application/jose"


class NoSuchErasureError(LookupError):
    """There is no such data set of hers, or no such statement (any more)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A data set that is held, and why it cannot be erased alone, where it cannot."""

    dataset: Dataset
    attributes: tuple[Attribute, ...]
    why_kept: WhyKept | None


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement in words."""

    statement: Statement
    datasets: tuple[Dataset, ...]
    whole: bool
    told: tuple[Organisation, ...]
    """Who has got what was erased, and hears of it."""
    ended: int
    backups_until: date
    digest: str
    """SHA-256 of the signed file, as it is downloaded."""


@router.get("/{language:lang}/data/erase")
def overview(request: Request) -> Response:
    """Every data set that is held, what can be done about it, and what stays."""
    runtime, session = runtime_of(request), require_session(request)
    found = _choices(runtime, session)
    return render(
        request,
        "citizen/erase.html",
        choices=found,
        all_may_go=_all_may_go(found),
        days=runtime.settings.erasure_days,
    )


@router.get("/{language:lang}/data/erase/{what}")
def ask(request: Request, what: str) -> Response:
    """The question, once more and with what follows from it. Raises NoSuchErasureError."""
    runtime, session = runtime_of(request), require_session(request)
    found = _choices(runtime, session)
    with runtime.ledger.read(session.person) as connection:
        ending = len(consents_of(connection, session.person, LIVE))
    return render(
        request,
        "citizen/erase_confirm.html",
        what=what,
        choice=None if what == EVERYTHING else _choice(found, what),
        may_go=_may_go(found, what),
        ending=ending,
        days=runtime.settings.erasure_days,
        form=use_form(request, session, _use(what)),
    )


@router.post("/{language:lang}/data/erase/{what}")
def answer(
    request: Request,
    language: Language,
    what: str,
    decision: Annotated[str, Form(pattern="^(erase|keep)$")] = "keep",
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Erase, or keep; the statement is the next page.

    The same form a second time, when the first has ended the session, shows the statement too.
    """
    runtime = runtime_of(request)
    if current_session(request) is None:
        with runtime.ledger.read() as connection:
            done = outcome_of(connection, form)
        if done is not None:
            return see_other(done)
    session = require_session(request)
    opened = open_form(session, form, use=_use(what), now=runtime.now())
    if decision == "keep":
        return see_other(f"/{language}/data")
    dataset = None if what == EVERYTHING else _known(runtime.catalogue, what)

    def act(uow: UnitOfWork) -> str:
        made, _ = erase(uow, runtime, session.person, Erasing.by_wish(), dataset)
        return f"/{language}/erasures/{made.id}"

    shown = once(runtime.ledger, opened, runtime.now(), act)
    drop_copies(runtime)
    response = see_other(shown)
    if dataset is None:
        Cookie.for_base_url(runtime.settings.base_url).clear(response)
    return response


@router.post("/{language:lang}/data/allow/{dataset}")
def allow(
    request: Request,
    language: Language,
    dataset: str,
    form: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Let copies of a data set be kept here again."""
    runtime, session = runtime_of(request), require_session(request)
    allowed = _known(runtime.catalogue, dataset)

    def act(uow: UnitOfWork) -> str:
        allow_again(uow, runtime.vault, session.person, allowed)
        return f"/{language}/data"

    return see_other(act_once(request, form, allow_use(allowed), act))


@router.get("/{language:lang}/erasures/{erasure_id}")
def show(request: Request, erasure_id: UUID) -> Response:
    """The statement in words. Raises NoSuchErasureError."""
    runtime = runtime_of(request)
    found = _stated(runtime, _given(request, erasure_id))
    return render(request, "citizen/erased.html", stated=found)


@router.get("/{language:lang}/erasures/{erasure_id}/file")
def download(request: Request, erasure_id: UUID) -> Response:
    """The statement as it was signed; that it was taken out is recorded."""
    runtime, found = runtime_of(request), _given(request, erasure_id)
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.ERASURE_READ, reference=str(found.erasure)))
    name = f'attachment; filename="erasure-{found.erasure}.jws"'
    return Response(found.jws, media_type=MEDIA_TYPE, headers={"Content-Disposition": name})


def unwanted(runtime: Runtime, person: PersonId) -> list[Dataset]:
    """The data sets of which the person wants no copy, for the page of her data."""
    with runtime.ledger.read(person) as connection:
        found = unwanted_of(connection, person)
    return [runtime.catalogue.dataset(each) for each in found]


def allow_use(dataset: DatasetId) -> str:
    """What the form to allow a data set again is for."""
    return f"allow/{dataset}"


def _choices(runtime: Runtime, session: Session) -> list[Choice]:
    catalogue = runtime.catalogue
    with runtime.ledger.read(session.person) as connection:
        found = may_erase(connection, runtime.vault, session.person)
        held = {each.attribute for each in describe(connection, session.person)}
    return [
        Choice(
            catalogue.dataset(id_),
            tuple(catalogue.attribute(a) for a in catalogue.dataset(id_).attributes if a in held),
            why,
        )
        for id_, why in found.items()
    ]


def _choice(found: Sequence[Choice], what: str) -> Choice:
    for each in found:
        if each.dataset.id == what:
            return each
    raise NoSuchErasureError


def _all_may_go(found: Sequence[Choice]) -> bool:
    return all(each.why_kept is not WhyKept.BY_LAW for each in found)


def _may_go(found: Sequence[Choice], what: str) -> bool:
    if what == EVERYTHING:
        return _all_may_go(found)
    return _choice(found, what).why_kept is None


def _known(catalogue: Catalogue, what: str) -> DatasetId:
    try:
        return catalogue.dataset(DatasetId(what)).id
    except UnknownCatalogueEntryError as error:
        raise NoSuchErasureError from error


def _given(request: Request, erasure_id: UUID) -> Statement:
    """The statement: of everything, for whoever has the address; else for the person herself."""
    runtime, session = runtime_of(request), current_session(request)
    # Whose it is, nobody knows who has been erased: so it is looked for among all of them.
    with runtime.ledger.read(EVERYONE) as connection:
        found = statement(connection, erasure_id, now=runtime.now())
    if found is None:
        raise NoSuchErasureError
    own = session is not None and session.person == found.person
    if not own and content_of(found)["scope"] != EVERYTHING:
        raise NoSuchErasureError
    return found


def _stated(runtime: Runtime, found: Statement) -> Stated:
    content, catalogue = content_of(found), runtime.catalogue
    return Stated(
        statement=found,
        datasets=tuple(catalogue.dataset(each) for each in content["datasets"]),
        whole=content["scope"] == EVERYTHING,
        told=tuple(
            catalogue.organisations[each]
            for each in content.get("told", [])
            if each in catalogue.organisations
        ),
        ended=content["consents_ended"],
        backups_until=date.fromisoformat(content["backups_until"]),
        digest=hashlib.sha256(found.jws.encode("ascii")).hexdigest(),
    )


def _use(what: str) -> str:
    return f"erase/{what}"
