"""The auditor's view for programs: state, search and sample as JSON, under the same rules.

A program uses the session of a signed-in auditor and says with `Origin` or `Sec-Fetch-Site` that
it speaks for our own site, as a browser does (service.csrf). Questions are sent by POST: so nothing
of them stands in an address, and each says why it is asked.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from audit.model import Kind
from consent.strict_json import StrictJsonError, parse_strict
from service.answers import problem_json
from service.auditor.entry_json import entry_json
from service.auditor.fields import AuditQuestionError, Fault
from service.auditor.looking import PAGE, look
from service.auditor.openapi import ENTRIES, SAMPLE, STATE
from service.auditor.query import FIELDS, read_query
from service.auditor.sample_files import sample_document
from service.auditor.samples import FIELDS as SAMPLE_FIELDS
from service.auditor.samples import NothingToSampleError, draw, read_sample
from service.auditor.state import state_json, state_of
from service.auditor.times import moment
from service.pages import runtime_of
from service.problems import AUDIT_QUESTION, BAD_REQUEST, NOTHING_SIGNED
from service.sessions import require_session

router = APIRouter(tags=["Audit"])

_MAX_BYTES = 8_192


async def sent_json(request: Request) -> bytes:
    """The body, which must say that it is JSON: no form of another site can send such a one."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    return body if media_type == "application/json" else b""


Sent = Annotated[bytes, Depends(sent_json)]


@router.get("/api/v1/audit/state", summary="How the log stands", **STATE)
def state(request: Request) -> Response:
    """Verified how far and when, what is signed, what waits."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        found = state_of(connection, runtime)
    return _json(state_json(found, runtime.now()))


@router.post("/api/v1/audit/entries", summary="A page of entries, newest first", **ENTRIES)
def entries(request: Request, sent: Sent) -> Response:
    """What was searched for, after the event which says so."""
    runtime, session = runtime_of(request), require_session(request)
    try:
        query = read_query(
            _members(sent, FIELDS),
            pseudonyms=runtime.pseudonyms,
            since=moment,
            until=moment,
        )
    except StrictJsonError:
        return problem_json(BAD_REQUEST)
    except AuditQuestionError as error:
        return _not_valid(error.faults)
    found = look(runtime, session, query, limit=PAGE)
    return _json({"entries": [entry_json(row) for row in found.rows], "next": found.next})


@router.post("/api/v1/audit/sample", summary="A random sample with its proofs", **SAMPLE)
def sample(request: Request, sent: Sent) -> Response:
    """The sample as it is taken out, after the event which says so."""
    runtime, session = runtime_of(request), require_session(request)
    try:
        with runtime.ledger.read() as connection:
            question = read_sample(connection, _members(sent, SAMPLE_FIELDS))
        drawn = draw(runtime, session, question, Kind.LOG_SAMPLED)
    except StrictJsonError:
        return problem_json(BAD_REQUEST)
    except AuditQuestionError as error:
        return _not_valid(error.faults)
    except NothingToSampleError:
        return problem_json(NOTHING_SIGNED)
    return _json(sample_document(runtime, drawn))


def _members(sent: bytes, names: Collection[str]) -> dict[str, str]:
    """The members as text. Raises StrictJsonError and AuditQuestionError."""
    value = parse_strict(sent, max_bytes=_MAX_BYTES, max_depth=1)
    if not isinstance(value, dict):
        raise StrictJsonError("not-an-object")
    faults = {name: Fault.UNKNOWN for name in value if name not in names}
    faults |= {name: Fault.FORM for name in value if name in names and not _is_plain(value[name])}
    if faults:
        # A name that we do not know is not said back: it may hold anything.
        known = {name if name in names else "?": fault for name, fault in faults.items()}
        raise AuditQuestionError(known)
    return {name: str(each) for name, each in value.items() if each is not None}


def _is_plain(value: object) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value is None or isinstance(value, str) or is_number


def _not_valid(faults: Mapping[str, Fault]) -> Response:
    """The problem with the members that are wrong, as RFC 9457 section 3.2 lets us add."""
    listed = [{"member": name, "fault": fault.value} for name, fault in faults.items()]
    return problem_json(AUDIT_QUESTION, faults=listed)


def _json(content: Mapping[str, Any]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(content), media_type="application/json", headers=headers)
