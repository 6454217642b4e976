"""Where a person lands at the agency after answering: one page that shows what the agency got.

It stands on a port of its own, since the agency is somebody else. The token stays in this
process; the page can fetch again, and shows the refusal after a withdrawal.
"""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from service.demo.agencies import CALLBACK, agency, read, redirect_uri
from service.demo.folder import DemoFolder
from service.demo.program import AgencyProgram, RefusedError, Token

_MOST_KEPT = 100
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:1rem/1.5 sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}}
td,th{{text-align:left;padding:.25rem 1rem .25rem 0;border-bottom:1px solid #ccc;
overflow-wrap:anywhere}}
.demo{{background:#fff3cd;padding:.5rem 1rem}}</style></head>
<body><p class="demo">Demonstration: this is the page of an invented agency, not of the vault.</p>
<main><h1>{title}</h1>{body}</main></body></html>"""


@dataclass(slots=True)
class Desk:
    """The agencies' side: their programs, and the tokens that they hold."""

    folder: DemoFolder
    port: int
    _held: OrderedDict[str, tuple[AgencyProgram, Token]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def program(self, organisation: str) -> AgencyProgram:
        """The program of this organisation; `KeyError` when there is none."""
        return AgencyProgram(read(self.folder, agency(organisation)), redirect_uri(self.port))

    def keep(self, program: AgencyProgram, token: Token) -> str:
        """Keep a token and give the handle of its page; the oldest ones are forgotten."""
        handle = secrets.token_urlsafe(16)
        with self._lock:
            self._held[handle] = (program, token)
            while len(self._held) > _MOST_KEPT:
                self._held.popitem(last=False)
        return handle

    def held(self, handle: str) -> tuple[AgencyProgram, Token] | None:
        with self._lock:
            return self._held.get(handle)


def create_agency_pages(folder: DemoFolder, port: int) -> Starlette:
    """The app."""
    app = Starlette(
        routes=[
            Route(CALLBACK, answer_came, methods=["GET"]),
            Route("/fetched/{handle}", fetched, methods=["GET"]),
        ]
    )
    app.state.desk = Desk(folder, port)
    return app


def answer_came(request: Request) -> Response:
    """The person comes back: with a code, or with a refusal (RFC 6749 section 4.1.2)."""
    desk, query = _desk(request), request.query_params
    organisation, _, state = query.get("state", "").partition(".")
    try:
        program = desk.program(organisation)
    except KeyError:
        return _page("We do not know this answer", "<p>It belongs to no request of ours.</p>", 400)
    if query.get("iss") != program.issuer:
        # Somebody else's answer for ours (RFC 9207).
        return _page("We do not know this answer", "<p>It does not come from the vault.</p>", 400)
    if "code" not in query:
        return _page("You did not give your data", f"<p>We go on without it.</p>{_back(program)}")
    try:
        token = program.redeem(query["code"], state)
    except RefusedError as error:
        return _refused(error, program)
    return RedirectResponse(f"/fetched/{desk.keep(program, token)}", 303, _HEADERS)


def fetched(request: Request) -> Response:
    """Fetch now, and show what came."""
    held = _desk(request).held(request.path_params["handle"])
    if held is None:
        return _page("Nothing here", "<p>We hold no token for this page.</p>", 404)
    program, token = held
    try:
        values = program.fetch(token)
    except RefusedError as error:
        return _refused(error, program)
    return _page(f"{program.name} has fetched your data", _table(values) + _next(request, program))


def _next(request: Request, program: AgencyProgram) -> str:
    """What to try now: the log, a withdrawal, and a fetch after it."""
    vault = escape(program.issuer)
    return (
        f'<p><a href="{vault}/en/log">See this fetch in your log</a>, or '
        f'<a href="{vault}/en/consents">take the permission back</a>, then '
        f'<a href="{escape(request.url.path)}">let the agency fetch again</a>.</p>'
    )


def _table(values: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{escape(str(fact['value']))}</td>"
        f"<td>{escape(str(fact['source']))}</td></tr>"
        for name, fact in sorted(values.items())
    )
    return f"<table><tr><th>What</th><th>Value</th><th>Source</th></tr>{rows}</table>"


def _refused(error: RefusedError, program: AgencyProgram) -> Response:
    said = f"<p>It said: {escape(error.reason)}</p>"
    return _page("The vault refused", said + _back(program), 403)


def _back(program: AgencyProgram) -> str:
    return f'<p><a href="{escape(program.issuer)}/en/log">See it in your log</a></p>'


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), status, _HEADERS)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk
