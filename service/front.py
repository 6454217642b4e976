"""The short way for the two hot paths, fetch and token: bare ASGI in front of the framework.

The same endpoints stand in the framework's routes, for their description and for other methods;
here a request reaches them without routing, dependencies and response classes.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.data import DataApi
from service.asgi import Workers, read_call, send_answer
from service.exchange import Answer, Call
from service.oauth import token
from service.oauth.server import AuthorizationServer

DATA = "/api/v1/data/"
TOKEN = "/oauth/token"  # noqa: S105  # a path, not a secret
_DATASET = re.compile(re.escape(DATA) + "[^/]{1,64}")


class Front:
    """ASGI middleware: answers what it knows and passes on the rest."""

    def __init__(
        self, app: ASGIApp, *, server: AuthorizationServer, data: DataApi, workers: Workers
    ) -> None:
        self.app = app
        self._server = server
        self._data = data
        self._workers = workers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._knows(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return
        call = await read_call(scope, receive)
        await send_answer(await self._workers.run(self._answer, call), send)

    def _knows(self, method: str, path: str) -> bool:
        if method == "POST":
            return path == TOKEN
        return method == "GET" and _DATASET.fullmatch(path) is not None

    def _answer(self, call: Call) -> Answer:
        if call.path == TOKEN:
            return token.answer(self._server, call)
        return self._data.fetch(call, call.path.removeprefix(DATA))
