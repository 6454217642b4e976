"""Endpoints of programs behind ASGI: read the body within its bound, answer, send.

On SQLite an endpoint runs in the event loop: one writer works at a time anyway, and a change of
threads costs more than it gives. On PostgreSQL it runs in one of a few threads, so that while one
request waits for the database others are served; more threads only fight for the interpreter.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.exchange import Answer, Call

T = TypeVar("T")

MAX_BODY_BYTES = 65_536
"""No request to us needs more, but for the few that say so."""
THREADS = 4


class Workers:
    """Runs endpoints in the event loop, or in a few threads of their own."""

    def __init__(self, *, in_threads: bool) -> None:
        # A pool of the standard library costs half of what the framework's way to a thread costs.
        self._threads = ThreadPoolExecutor(THREADS, "worker") if in_threads else None

    async def run(self, endpoint: Callable[[Call], Answer], call: Call) -> Answer:
        """The endpoint's answer."""
        if self._threads is None:
            return endpoint(call)
        return await asyncio.get_running_loop().run_in_executor(self._threads, endpoint, call)


async def read_call(scope: Scope, receive: Receive, most: int = MAX_BODY_BYTES) -> Call:
    """The request, its body up to one byte more than the bound: enough to be refused for it."""
    body = b""
    more = scope["method"] in {"POST", "PUT"}
    while more and len(body) <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            body = b""  # the half that came is no request, and must not have the effect of one
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return Call(
        scope["method"],
        scope["path"],
        scope["headers"],
        scope["query_string"],
        body[: most + 1],
    )


async def respond(
    endpoint: Callable[[T, Call], Answer],
    holder: T,
    request: Request,
    *,
    most: int = MAX_BODY_BYTES,
) -> Response:
    """Run an endpoint behind FastAPI, for a body of so many bytes at most."""
    call = await read_call(request.scope, request.receive, most)
    workers: Workers = request.app.state.workers
    return to_response(await workers.run(partial(endpoint, holder), call))


def to_response(answer: Answer) -> Response:
    """The answer as Starlette sends it."""
    response = Response(answer.body, answer.status)
    response.raw_headers = _with_length(answer)
    return response


async def send_answer(answer: Answer, send: Send) -> None:
    """The answer without a framework."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": _with_length(answer),
        }
    )
    await send({"type": "http.response.body", "body": answer.body})


def _with_length(answer: Answer) -> list[tuple[bytes, bytes]]:
    return [(b"content-length", str(len(answer.body)).encode()), *answer.headers]
