"""The demo's time-stamping authority over HTTP (RFC 3161 section 3.4)."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.demo_tsa.authority import DemoTimestampAuthority
from connectors.timestamping import QUERY, REPLY

LARGEST_REQUEST = 4_096


def create_demo_tsa(
    authority: DemoTimestampAuthority, *, clock: Callable[[], datetime]
) -> Starlette:
    """An application that answers requests at its root."""

    async def stamp(request: Request) -> Response:
        if request.headers.get("content-type") != QUERY:
            return Response(status_code=415)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_REQUEST:
                return Response(status_code=413)
        return Response(authority.answer(body, clock()), media_type=REPLY)

    return Starlette(routes=[Route("/", stamp, methods=["POST"])])
