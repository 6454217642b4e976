"""The gate: looks up the rule of the access table before any handler runs, and enforces it.

Session, role and level of assurance are settled here, so that no page can forget them. Callers
with an assertion or a token are let through to the endpoint, whose first steps verify them.
"""

from collections.abc import Iterable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access import Entry, RoleRequiredError, Rule, StepUpRequiredError, check
from service.answers import answer_error
from service.sessions import SignInRequiredError


class AccessGate:
    """ASGI middleware in front of all routes."""

    def __init__(self, app: ASGIApp, *, table: Iterable[Rule]) -> None:
        self.app = app
        guarded = [rule for rule in table if rule.entry is Entry.SESSION]
        self._lines = [(rule, compile_path(rule.path)[0]) for rule in guarded]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rule = self._rule(scope) if scope["type"] == "http" else None
        if rule is not None:
            request = Request(scope, receive)
            try:
                await run_in_threadpool(check, rule, request)
            except (SignInRequiredError, RoleRequiredError, StepUpRequiredError) as error:
                answer = await run_in_threadpool(answer_error, request, error)
                await answer(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _rule(self, scope: Scope) -> Rule | None:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        return next(
            (
                rule
                for rule, pattern in self._lines
                if rule.method == method and pattern.match(scope["path"])
            ),
            None,
        )
