"""`findUsage`, `usagePeriod` and `heartbeat` of the Estonian Data Tracker, below /api/tracker.

Andmejälgija 2.1.0 (2025). In Estonia a portal asks a register in the person's name, over X-Road;
here the person's own session asks, and gets what stands in her log.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BeforeValidator
from starlette.exceptions import HTTPException
from starlette.responses import Response

from audit.own_log import Part, own_count, own_part
from audit.reader import first_entry_at
from consent.purposes import purposes_in_force
from service.citizen.log_json import utc
from service.citizen.log_usage import usages
from service.citizen.own_log import BY_OTHERS, record_export, told
from service.pages import language_of, runtime_of
from service.sessions import require_session
from service.tracker.openapi import FIND_USAGE, HEARTBEAT, USAGE_PERIOD

router = APIRouter(prefix="/api/tracker/v2", tags=["Data Tracker"])

MOST = 1000
LARGEST_OFFSET = 2**31 - 1
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_OF_ANOTHER_DOOR = ("X-Road-UserId", "userCode")


def _moment(text: object) -> object:
    """A moment with its zone (RFC 3339). Raises ValueError, which the framework turns to a 400."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise ValueError("not a moment")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("before the calendar or after it") from error


Moment = Annotated[datetime | None, BeforeValidator(_moment), Query()]


@router.get("/findUsage", operation_id="findUsage", **FIND_USAGE)
def find_usage(
    request: Request,
    periodStart: Moment = None,  # noqa: N803  # the protocol's names
    periodEnd: Moment = None,  # noqa: N803
    offset: Annotated[int, Query(ge=0, le=LARGEST_OFFSET)] = 0,
    limit: Annotated[int, Query(ge=0, le=MOST)] = MOST,
) -> Response:
    """The lines of the log that lie in the period, newest first."""
    runtime, session = runtime_of(request), require_session(request)
    _check_asks_for_herself(request)
    record_export(runtime, session)
    language = language_of(request)
    part, now = Part(kinds=BY_OTHERS, since=periodStart, until=periodEnd), runtime.now()
    with runtime.ledger.read() as connection:
        total = own_count(connection, session.person, part, now=now)
        found = own_part(
            connection,
            runtime.ledger,
            session.person,
            part,
            now=now,
            offset=offset,
            limit=limit,
        )
        lines = told(runtime, purposes_in_force(connection), found, language)
        listed = usages(runtime, connection, lines, language)
    return _json({"totalUsages": total, "usages": listed})


@router.get("/usagePeriod", operation_id="usagePeriod", **USAGE_PERIOD)
def usage_period(request: Request) -> Response:
    """From when on entries are kept; there is no end, so up to now."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        begins = first_entry_at(connection)
    return _json({"periodStart": utc(begins or runtime.now())})


@router.get("/heartbeat", operation_id="heartbeat", **HEARTBEAT)
def heartbeat(request: Request) -> Response:
    """FAIL while the log signs nothing: then it can be read, and what is new is not proven."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        fails = runtime.log_watch.refusal(connection) is not None
    if fails:
        return _json({"status": "FAIL", "message": "the log signs nothing at the moment"})
    return _json({"status": "OK", "message": "the log can be asked"})


def _check_asks_for_herself(request: Request) -> None:
    """Raises HTTPException. Whoever names a person here asks at the wrong door, maybe for another
    one than the session's, and must not be answered as if the name had counted."""
    if any(name in request.headers or name in request.query_params for name in _OF_ANOTHER_DOOR):
        raise HTTPException(400)


def _json(content: dict[str, Any]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(content), media_type="application/json", headers=headers)
