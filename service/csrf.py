"""Requests that change something come from our own pages only.

The browser says where a request comes from: Fetch Metadata (W3C, `Sec-Fetch-Site`) and, where an
old browser does not, `Origin` (RFC 6454). What neither header vouches for is refused. Exempt are
the paths whose callers show a token or an assertion: they take no cookie.
"""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
EXEMPT = ("/api/", "/oauth/")
BY_COOKIE = ("/api/v1/audit/", "/api/v1/operator/")
"""Of the exempt paths, those whose callers come with a session all the same."""


class SameOriginMiddleware:
    """Answers with `refusal` to an unsafe request that is not from our own origin."""

    def __init__(
        self, app: ASGIApp, *, origin: str, refusal: Callable[[Request], Response]
    ) -> None:
        self.app = app
        self.origin = origin
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allowed(scope):
            await self.refusal(Request(scope, receive))(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        if scope["method"] in SAFE_METHODS:
            return True
        if scope["path"].startswith(EXEMPT) and not scope["path"].startswith(BY_COOKIE):
            return True
        return is_same_origin(
            sites=_values(scope, b"sec-fetch-site"),
            origins=_values(scope, b"origin"),
            own=self.origin,
        )


def is_same_origin(*, sites: list[str], origins: list[str], own: str) -> bool:
    """True when the headers vouch for our own origin; each may stand once and none may differ."""
    if len(sites) > 1 or len(origins) > 1 or not (sites or origins):
        return False
    return sites in ([], ["same-origin"], ["none"]) and origins in ([], [own])


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
