"""Endpoints of the API for a client that shows its key and needs no token (RFC 7523).

The assertion comes in a header, since these requests have no form of their own; from there on the
steps are those of the OAuth endpoints.
"""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlencode

from audit.unit_of_work import UnitOfWork
from service.api.refusals import of_oauth
from service.exchange import Answer, Call
from service.oauth.authenticated import Asked, Endpoint, serve
from service.oauth.client_assertion import ASSERTION_TYPE
from service.oauth.server import AuthorizationServer

ASSERTION_HEADER = b"client-assertion"
_OK = 200
T = TypeVar("T")


def served(
    server: AuthorizationServer,
    call: Call,
    endpoint: Endpoint,
    effect: Callable[[UnitOfWork, Asked], T],
    answer: Callable[[T], Answer],
) -> Answer:
    """Run an endpoint; what its steps refuse is answered as a problem."""
    made = serve(server, _as_form(call), endpoint, effect, answer)
    return made if made.status == _OK else of_oauth(made)


def _as_form(call: Call) -> Call:
    """The same request with the assertion where the OAuth endpoints look for it."""
    given = call.values(ASSERTION_HEADER)
    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    if len(given) != 1:
        return Call(call.method, call.path, headers)
    shown = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": given[0]}
    # One in the address as well would be a parameter that stands twice, and is refused so.
    body = b"&".join(each for each in (call.query, urlencode(shown).encode()) if each)
    return Call("POST", call.path, headers, b"", body)
