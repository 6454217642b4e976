"""The access log: who, when, which attributes, for what, on which ground; refused tries too."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from audit.model import Entry, Event, Kind
from audit.reader import entries_about, first_entry_at
from audit.unit_of_work import begin
from consent.purposes import purposes_in_force
from policies.vocabulary import Language
from service.i18n import texts
from service.pages import render, runtime_of
from service.runtime import Runtime
from service.sessions import Session, require_session
from service.words import BASES, Line, line

router = APIRouter(include_in_schema=False)

PAGE = 50
MOST = 2**63 - 1
"""The largest row number that a database holds."""
_CHUNK = 500
OWN_ACTS = frozenset(
    {
        Kind.SIGN_IN_BEGUN,
        Kind.SIGNED_IN,
        Kind.SESSION_CONTINUED,
        Kind.SIGNED_OUT,
        Kind.DATA_VIEWED,
        Kind.RECEIPT_READ,
        Kind.LOG_SEARCHED,
        Kind.LOG_EXPORTED,
    }
)
"""What the person did herself by visiting; left out unless everything is asked for."""
BY_OTHERS = frozenset(Kind) - OWN_ACTS


@router.get("/{language:lang}/log")
def log(
    request: Request,
    language: Language,
    show: Annotated[str, Query(pattern="^(all)?$")] = "",
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
) -> Response:
    """The person's log, newest first, a page at a time."""
    runtime, session = runtime_of(request), require_session(request)
    kinds = None if show else BY_OTHERS
    with runtime.ledger.read() as connection:
        entries = entries_about(
            connection, runtime.ledger, session.person, before=before, limit=PAGE + 1, kinds=kinds
        )
        since = first_entry_at(connection)
        purposes = purposes_in_force(connection)
    return render(
        request,
        "citizen/log.html",
        lines=[line(runtime.catalogue, purposes, each, language) for each in entries[:PAGE]],
        older=entries[PAGE - 1].number if len(entries) > PAGE else None,
        first_page=before is None,
        show=show,
        since=since,
    )


@router.get("/{language:lang}/log.csv")
def as_csv(request: Request, language: Language) -> Response:
    """The whole log for a spreadsheet."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=_HEADINGS, dialect="excel")
    writer.writeheader()
    writer.writerows(_export(request, language))
    # A byte order mark, without which spreadsheets read UTF-8 as something else.
    return _file("\ufeff" + text.getvalue(), "text/csv; charset=utf-8", "log.csv")


@router.get("/{language:lang}/log.json")
def as_json(request: Request, language: Language) -> Response:
    """The whole log for a program."""
    content = json.dumps(_export(request, language), ensure_ascii=False, indent=1)
    return _file(content, "application/json", "log.json")


_HEADINGS = (
    "time",
    "event",
    "kind",
    "who",
    "business_id",
    "what_for",
    "ground",
    "attributes",
    "refused",
    "reason",
    "case",
    "event_id",
    "index",
)


def _row(line: Line, language: Language) -> dict[str, str]:
    """A line for a file; the same words as on the page."""
    names = [each.name.in_language(language) for each in line.attributes]
    return {
        "time": line.at.isoformat(),
        "event": line.name,
        "kind": line.kind or "",
        "who": line.organisation.name.in_language(language) if line.organisation else "",
        "business_id": line.organisation.business_id if line.organisation else "",
        "what_for": line.purpose.name.in_language(language) if line.purpose else "",
        "ground": texts(language).gettext(BASES[line.basis]) if line.basis else "",
        "attributes": "; ".join(names),
        "refused": "yes" if line.refused else "no",
        "reason": line.reason,
        "case": line.case or "",
        "event_id": line.event_id,
        "index": "" if line.index is None else str(line.index),
    }


def _export(request: Request, language: Language) -> list[dict[str, str]]:
    """All lines, after the event which says that the person took them out."""
    runtime, session = runtime_of(request), require_session(request)
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.LOG_EXPORTED, subject=session.person, reason="own-log"))
    with runtime.ledger.read() as connection:
        purposes = purposes_in_force(connection)
    return [
        _row(line(runtime.catalogue, purposes, each, language), language)
        for each in _all(runtime, session)
    ]


def _all(runtime: Runtime, session: Session) -> Iterator[Entry]:
    before: int | None = None
    with runtime.ledger.read() as connection:
        while True:
            found = entries_about(
                connection, runtime.ledger, session.person, before=before, limit=_CHUNK
            )
            yield from found
            if len(found) < _CHUNK:
                return
            before = found[-1].number


def _file(content: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
