"""The person's own log as a file: for a spreadsheet, for programs, and as other registers tell it.

Each is an event about her, committed before the first byte leaves.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from audit.reader import first_entry_at
from policies.vocabulary import Language
from service.citizen.log_csv import csv_parts
from service.citizen.log_json import SCHEMA, joined, json_parts
from service.citizen.log_usage import usages
from service.citizen.own_log import (
    BY_OTHERS,
    address_of,
    file_of,
    pieces,
    record_export,
)
from service.pages import runtime_of
from service.runtime import Runtime
from service.sessions import Session, require_session

router = APIRouter(tags=["Own log"])

_PROBLEM: dict[str, Any] = {"content": {"text/html": {}}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    303: {"description": "To the sign-in"},
    403: {"description": "Signed in too weakly", **_PROBLEM},
    "4XX": {"description": "Not understood", **_PROBLEM},
}


@router.get("/{language:lang}/log.csv", include_in_schema=False)
def as_csv(request: Request, language: Language) -> Response:
    """The whole log for a spreadsheet."""
    runtime, session = _recorded(request)
    parts = csv_parts(
        pieces(runtime, session, language), language, address_of(runtime, language, "")
    )
    return file_of(parts, media_type="text/csv; charset=utf-8", name="log.csv")


@router.get(
    "/{language:lang}/log.json",
    summary="The signed-in person's whole log, streamed; the words are in the language of the path",
    responses={200: {"content": {"application/json": {"schema": SCHEMA}}}, **_REFUSED},
)
def as_json(request: Request, language: Language) -> Response:
    """The whole log for a program."""
    runtime, session = _recorded(request)
    with runtime.ledger.read() as connection:
        begins = first_entry_at(connection)
    parts = json_parts(
        pieces(runtime, session, language),
        language,
        address_of(runtime, language, ""),
        made_at=runtime.now(),
        begins=begins,
    )
    return file_of(parts, media_type="application/json", name="log.json")


@router.get("/{language:lang}/log.tracker.json", include_in_schema=False)
def as_usages(request: Request, language: Language) -> Response:
    """All that `findUsage` would give page by page (service.tracker), as one document."""
    runtime, session = _recorded(request)
    parts = _usage_parts(runtime, session, language)
    return file_of(parts, media_type="application/json", name="log.tracker.json")


def _usage_parts(runtime: Runtime, session: Session, language: Language) -> Iterator[str]:
    total = 0

    def found() -> Iterator[list[dict[str, Any]]]:
        nonlocal total
        for piece in pieces(runtime, session, language, kinds=BY_OTHERS):
            total += len(piece)
            with runtime.ledger.read() as connection:
                yield usages(runtime, connection, piece, language)

    yield '{"usages":['
    yield from joined(found())
    yield f'],"totalUsages":{total}}}\n'


def _recorded(request: Request) -> tuple[Runtime, Session]:
    """Who takes what out, after the event which says so."""
    runtime, session = runtime_of(request), require_session(request)
    record_export(runtime, session)
    return runtime, session
