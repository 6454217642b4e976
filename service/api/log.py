"""The log for whoever verifies it (C2SP tlog-tiles): checkpoints, tiles of hashes, entries.

What the tree shows are salted commitments, so all of this is for everybody. The prefix of a log
(shard) is `/audit/logs/<log>`; under `/audit` itself stands the newest one.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from audit.proofs import checkpoints, latest_checkpoint, log_heads, minimum_index, named_tile
from audit.tiles import TileError, TileName
from service.api.proofs import NotInLogError
from service.pages import runtime_of
from service.published import compressed, immutable, tagged

router = APIRouter()

PAGE = 100
MOST = 2**63 - 1
RETENTION_POLICY = (
    "Entries may leave the log's own service when the law no longer asks that they be kept at hand,"
    " and not before they stand in an archive that was read back and verified. Checkpoints and"
    " hashes stay for ever: every proof goes on to verify, and the archive gives the entries."
)
_BYTES = "application/octet-stream"
_NOTHING: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Nothing of that name",
        "content": {"application/problem+json": {"schema": {"type": "object"}}},
    }
}
_TILE: dict[int | str, dict[str, Any]] = {200: {"content": {_BYTES: {}}}, **_NOTHING}
_NOTE: dict[int | str, dict[str, Any]] = {304: {"description": "Still the same"}, **_NOTHING}

Log = Annotated[str, Path(max_length=8)]
Name = Annotated[str, Path(max_length=100)]


@router.get("/audit/checkpoint", response_class=PlainTextResponse, responses=_NOTE)
def newest_checkpoint(request: Request) -> Response:
    """The newest signed checkpoint of the newest log (C2SP tlog-checkpoint)."""
    return _checkpoint(request, None)


@router.get("/audit/tile/{name:path}", response_class=Response, responses=_TILE)
def tile_of_newest_log(request: Request, name: Name) -> Response:
    """A tile of hashes or a bundle of entries of the newest log."""
    return _tile(request, None, name)


@router.get(
    "/audit/logs",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def logs(request: Request) -> Response:
    """All logs with their keys, oldest first: JSON, or lines of a policy (C2SP tlog-policy)."""
    runtime = runtime_of(request)
    with runtime.ledger.read() as connection:
        heads = log_heads(connection)
    signers, asked = runtime.log_signers, request.headers.get("accept", "")
    if "application/json" not in asked:
        lines = [f"log {vkey}\n" for head in heads for vkey in signers.vkeys(head.log)]
        return tagged(request, PlainTextResponse("".join(lines)), vary="Accept")
    told = [
        {
            "log": head.log,
            "origin": signers.origin(head.log),
            "size": head.size,
            "vkeys": signers.vkeys(head.log),
            "retired_vkeys": signers.retired_vkeys(head.log),
            "prefix": f"{runtime.settings.base_url}/audit/logs/{head.log}",
        }
        for head in heads
    ]
    return tagged(request, JSONResponse({"logs": told}), vary="Accept")


@router.get("/audit/logs/{log}/checkpoint", response_class=PlainTextResponse, responses=_NOTE)
def checkpoint(request: Request, log: Log) -> Response:
    """The newest signed checkpoint of one log (C2SP tlog-checkpoint)."""
    return _checkpoint(request, log)


@router.get("/audit/logs/{log}/checkpoints", responses=_NOTHING)
def history(
    request: Request, log: Log, after: Annotated[int, Query(ge=0, le=MOST)] = 0
) -> Response:
    """Signed checkpoints of sizes above `after`, smallest first, a hundred at a time.

    `next` is the `after` of the next page, null on the last one.
    """
    with runtime_of(request).ledger.read() as connection:
        found = checkpoints(connection, log, after=after, limit=PAGE + 1)
    if not found and after == 0:
        raise NotInLogError
    page = found[:PAGE]
    told = [
        {"size": each.size, "at": each.at.isoformat(), "note": each.note.decode()} for each in page
    ]
    more = page[-1].size if len(found) > PAGE else None
    return tagged(request, JSONResponse({"log": log, "checkpoints": told, "next": more}))


@router.get("/audit/logs/{log}/retention", responses=_NOTHING)
def retention(request: Request, log: Log) -> Response:
    """From which index on the log gives out its entries itself (C2SP tlog-tiles, pruning)."""
    with runtime_of(request).ledger.read() as connection:
        if latest_checkpoint(connection, log=log) is None:
            raise NotInLogError
        lowest = minimum_index(connection, log=log)
    told = {"log": log, "minimum_index": lowest, "policy": RETENTION_POLICY}
    return tagged(request, JSONResponse(told))


@router.get("/audit/logs/{log}/tile/{name:path}", response_class=Response, responses=_TILE)
def tile(request: Request, log: Log, name: Name) -> Response:
    """A tile of hashes or a bundle of entries of one log; what it holds never changes."""
    return _tile(request, log, name)


def _checkpoint(request: Request, log: str | None) -> Response:
    with runtime_of(request).ledger.read() as connection:
        note = latest_checkpoint(connection, log=log)
    if note is None:
        raise NotInLogError
    return tagged(request, Response(note, media_type="text/plain; charset=utf-8"))


def _tile(request: Request, log: str | None, name: str) -> Response:
    try:
        named = TileName.parse(f"tile/{name}")
    except TileError as error:
        raise NotInLogError from error
    with runtime_of(request).ledger.read() as connection:
        content = named_tile(connection, named, log=log)
    if content is None:
        raise NotInLogError
    answer = Response(content, media_type=_BYTES)
    # Hashes do not shrink; entries share their first words.
    return immutable(compressed(request, answer) if named.level is None else answer)
