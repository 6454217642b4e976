"""The outermost layer: whatever goes wrong unexpectedly is logged without its text and answered.

The one place where `Exception` is caught. Nothing was committed by then: an exception leaves every
unit of work by a rollback.
"""

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.answers import answer_problem
from service.logs import places_of
from service.problems import problem_of

_log = structlog.get_logger(__name__)


class ErrorBoundary:
    """ASGI middleware; must be the first one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def noting_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        except Exception as error:
            _log.error("unexpected", error=type(error).__name__, places=places_of(error))
            if begun:
                # Half an answer is out: the server must break the connection.
                raise
            request = Request(scope, receive)
            answer = await run_in_threadpool(answer_problem, request, problem_of(error))
            await answer(scope, receive, send)
