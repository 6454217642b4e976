"""No body is larger than our forms need: refused by its declared length, else while it is read.

The framework has such a limit too, but it stands around all our layers: it answers every path in
plain text, without our headers, and the exception by which it leaves looks like an error of ours.
The hot paths in front of this bound their bodies themselves (`service.asgi`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """ASGI middleware: answers with `refusal` to a request that says it is too large.

    A request that does not say its length (RFC 9112 section 7.1) is refused where it is read: by
    an HTTPException with status 413.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int,
        refusal: Callable[[Request], Response],
        larger: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.app = app
        self.most = most
        self.larger = larger
        """Paths that take more."""
        self.refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif _declared(scope) > self._most(scope):
            await self.refusal(Request(scope))(scope, receive, send)
        else:
            await self.app(scope, self._counting(receive, self._most(scope)), send)

    def _most(self, scope: Scope) -> int:
        return self.larger.get(scope["path"], self.most)

    def _counting(self, receive: Receive, left: int) -> Receive:

        async def receive_within_limit() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)
            return message

        return receive_within_limit


def _declared(scope: Scope) -> int:
    """The length that the request names; 0 when it names none."""
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    return max((int(value) for value in values if value.isdigit()), default=0)
