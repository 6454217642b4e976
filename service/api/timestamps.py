"""The time stamps of the log for whoever verifies it (RFC 3161), and the exact notes under them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from audit.proofs import checkpoint_at, latest_checkpoint
from audit.timestamping import timestamps, token
from connectors.timestamping import REPLY
from service.api.log import MOST, PAGE, Log
from service.api.proofs import NotInLogError
from service.pages import runtime_of
from service.published import immutable, tagged

router = APIRouter()

Size = Annotated[int, Path(ge=1, le=MOST)]
Authority = Annotated[str, Path(max_length=40)]
_NOTHING: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Nothing of that name",
        "content": {"application/problem+json": {"schema": {"type": "object"}}},
    }
}
_TOKEN: dict[int | str, dict[str, Any]] = {200: {"content": {REPLY: {}}}, **_NOTHING}


@router.get("/audit/logs/{log}/timestamps", responses=_NOTHING)
def stamps(request: Request, log: Log, after: Annotated[int, Query(ge=0, le=MOST)] = 0) -> Response:
    """Which checkpoints of sizes above `after` were stamped, by whom and when, smallest first.

    `next` is the `after` of the next page, null on the last one.
    """
    with runtime_of(request).ledger.read() as connection:
        if latest_checkpoint(connection, log=log) is None:
            raise NotInLogError
        page = timestamps(connection, log, after=after, limit=PAGE)
        more = bool(page) and bool(timestamps(connection, log, after=page[-1].size, limit=PAGE))
    told = [{"size": each.size, "tsa": each.tsa, "at": each.at.isoformat()} for each in page]
    following = page[-1].size if more else None
    return tagged(request, JSONResponse({"log": log, "timestamps": told, "next": following}))


@router.get(
    "/audit/logs/{log}/timestamps/{size}", response_class=PlainTextResponse, responses=_NOTHING
)
def stamped_note(request: Request, log: Log, size: Size) -> Response:
    """The note of that size as it was stamped: with the log's own signatures and no others."""
    with runtime_of(request).ledger.read() as connection:
        note = checkpoint_at(connection, size, log=log)
    if note is None:
        raise NotInLogError
    return immutable(Response(note, media_type="text/plain; charset=utf-8"))


@router.get("/audit/logs/{log}/timestamps/{size}/{tsa}", response_class=Response, responses=_TOKEN)
def stamp(request: Request, log: Log, size: Size, tsa: Authority) -> Response:
    """The authority's answer as it came: the SHA-256 in it is that of the note."""
    with runtime_of(request).ledger.read() as connection:
        found = token(connection, log, size, tsa)
    if found is None:
        raise NotInLogError
    return immutable(Response(found, media_type=REPLY))
