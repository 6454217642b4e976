"""The access log: who, when, which attributes, for what, on which ground; refused tries too."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from audit.own_chain import own_chain
from audit.own_log import own_entries
from audit.reader import first_entry_at
from consent.purposes import purposes_in_force
from policies.vocabulary import Language
from service.citizen.earlier import Of, earlier_records, record_of
from service.citizen.own_log import BY_OTHERS
from service.pages import render, runtime_of
from service.sessions import require_session
from service.words import LineState, line

router = APIRouter(include_in_schema=False)

PAGE = 50
MOST = 2**63 - 1
"""The largest row number that a database holds."""


@router.get("/{language:lang}/log")
def log(
    request: Request,
    language: Language,
    show: Annotated[str, Query(pattern="^(all)?$")] = "",
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    of: Of = None,
) -> Response:
    """The person's log, newest first, a page at a time, and whether anything is missing in it."""
    runtime, session = runtime_of(request), require_session(request)
    earlier = earlier_records(runtime, session)
    person = record_of(earlier, session, of)
    kinds, now = None if show else BY_OTHERS, runtime.now()
    with runtime.ledger.read() as connection:
        entries = own_entries(
            connection,
            runtime.ledger,
            person,
            now=now,
            before=before,
            limit=PAGE + 1,
            kinds=kinds,
        )
        older = entries[PAGE - 1].number if len(entries) > PAGE else None
        chain = own_chain(
            connection,
            runtime.ledger,
            person,
            now=now,
            before=before,
            down_to=older or 0,
        )
        since = first_entry_at(connection)
        purposes = purposes_in_force(connection)
    lines = [line(runtime.catalogue, purposes, each, language) for each in entries[:PAGE]]
    return render(
        request,
        "citizen/log.html",
        lines=lines,
        damaged=[each for each in lines if each.state is LineState.DAMAGED],
        chain=chain,
        older=older,
        first_page=before is None,
        show=show,
        since=since,
        earlier=len(earlier),
        of=of,
    )
