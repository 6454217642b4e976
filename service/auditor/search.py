"""The auditor's page: how the log stands, a search in it, and the forms for sample and export.

It shows ids, codes and times; no value of anybody's data, nobody's name and no id of a person.
Every look is an event itself, written before anything is shown, with the reason that was stated.
A search is sent by POST, so that nothing of it stands in an address, a history or a server's log.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from audit.model import Event, Kind
from audit.results import Result
from audit.unit_of_work import begin
from consent.purposes import purposes_in_force
from policies.vocabulary import Language
from service.auditor import words
from service.auditor.fields import AuditQuestionError, Fault
from service.auditor.looking import Rows, look
from service.auditor.query import FIELDS, Query, read_query
from service.auditor.state import state_of
from service.auditor.times import end_of_day, start_of_day
from service.forms import open_form
from service.pages import render, runtime_of, see_other, use_form
from service.runtime import Runtime
from service.sessions import require_session

router = APIRouter(include_in_schema=False)

LOOK = "audit-look"
"""The use of every form here by which nothing changes."""


async def sent_fields(request: Request) -> dict[str, str]:
    """The fields of a form, as text; a file is none."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


Sent = Annotated[dict[str, str], Depends(sent_fields)]


@router.get("/{language:lang}/audit")
def audit(request: Request, language: Language) -> Response:
    """The state of the log on top, the forms below it."""
    return page(request, language)


@router.post("/{language:lang}/audit")
def search(request: Request, language: Language, sent: Sent) -> Response:
    """What was searched for, after the event which says so."""
    runtime, session = runtime_of(request), require_session(request)
    open_form(session, sent.get("form", ""), use=LOOK, now=runtime.now())
    try:
        query = question(runtime, sent)
    except AuditQuestionError as error:
        return page(request, language, given=sent, faults=error.faults)
    return page(request, language, given=sent, found=look(runtime, session, query))


@router.post("/{language:lang}/audit/check")
def check(
    request: Request, language: Language, form: Annotated[str, Form(max_length=1024)] = ""
) -> Response:
    """Read everything again from the beginning, after the event which says who asked for it; the
    first piece at once."""
    runtime, session = runtime_of(request), require_session(request)
    open_form(session, form, use=LOOK, now=runtime.now())
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.LOG_REREAD))
    runtime.checker.begin_again(runtime.now())
    runtime.checker.run_once(runtime.now(), old=FIRST_PIECE)
    return see_other(f"/{language}/audit")


FIRST_PIECE = 20_000
"""So many entries are read while the auditor waits; the job reads on."""


def question(runtime: Runtime, sent: Mapping[str, str]) -> Query:
    """The search in a form. Raises AuditQuestionError."""
    return read_query(sent, pseudonyms=runtime.pseudonyms, since=start_of_day, until=end_of_day)


def page(
    request: Request,
    language: Language,
    *,
    given: Mapping[str, str] | None = None,
    faults: Mapping[str, Fault] | None = None,
    found: Rows | None = None,
    asked: str = "search",
) -> Response:
    """The page, with what was found or what was wrong."""
    runtime, session = runtime_of(request), require_session(request)
    with runtime.ledger.read() as connection:
        state = state_of(connection, runtime)
        purposes = purposes_in_force(connection)
    sent = given or {}
    return render(
        request,
        "auditor/audit.html",
        status_code=422 if faults else 200,
        state=state,
        asked=asked,
        given={name: sent.get(name, "") for name in (*FIELDS, "seed", "count", "start")},
        faults=faults or {},
        found=None
        if found is None
        else [words.told(runtime, purposes, row, language) for row in found.rows],
        older=None if found is None else found.next,
        form=use_form(request, session, LOOK),
        export_form=use_form(request, session, "export"),
        **choices(runtime, purposes.values(), language),
    )


def choices(runtime: Runtime, purposes: Any, language: Language) -> dict[str, Any]:
    """What the lists of the forms hold."""
    organisations = runtime.catalogue.organisations
    return {
        "reasons": words.reason_names(),
        "kinds": {kind: words.kind_name(kind, language) for kind in Kind},
        "results": words.RESULTS,
        "organisations": organisations.values(),
        "purposes": sorted(purposes, key=lambda each: (each.organisation, each.id)),
        "grounds": words.GROUNDS,
        "field_names": words.FIELDS,
        "fault_words": words.FAULTS,
        "damage_words": words.DAMAGES,
        "result_words": words.RESULTS,
        "no_result": Result.DONE,
    }
