"""The log for whoever verifies it (C2SP tlog-tiles): checkpoint, tiles of hashes, entries.

What the tree shows are salted commitments, so all of this is for everybody.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import PlainTextResponse, Response

from audit.proofs import entries_bundle, latest_checkpoint, tile
from audit.tiles import TileError, TileName
from service.api.proofs import NotInLogError
from service.runtime import Runtime

router = APIRouter()

_FOREVER = "public, max-age=31536000, immutable"
_BYTES = "application/octet-stream"
_NOTHING: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Nothing of that name",
        "content": {"application/problem+json": {"schema": {"type": "object"}}},
    }
}


@router.get("/audit/checkpoint", response_class=PlainTextResponse, responses=_NOTHING)
def checkpoint(request: Request) -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    with _runtime(request).ledger.read() as connection:
        note = latest_checkpoint(connection)
    if note is None:
        raise NotInLogError
    return Response(
        note, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


@router.get(
    "/audit/tile/{name:path}",
    response_class=Response,
    responses={200: {"content": {_BYTES: {}}}, **_NOTHING},
)
def tile_bytes(request: Request, name: Annotated[str, Path(max_length=100)]) -> Response:
    """A tile of hashes or a bundle of entries; what it holds never changes."""
    try:
        named = TileName.parse(f"tile/{name}")
    except TileError as error:
        raise NotInLogError from error
    with _runtime(request).ledger.read() as connection:
        if named.level is None:
            content = entries_bundle(connection, named.index, named.width)
        else:
            content = tile(connection, named.level, named.index, named.width)
    if content is None:
        raise NotInLogError
    return Response(content, media_type=_BYTES, headers={"Cache-Control": _FOREVER})


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime
