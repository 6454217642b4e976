"""The two OAuth addresses that people come to: with a request, and back to who asked.

GET /oauth/authorize takes a pushed request (RFC 9126 section 4) and shows the question. GET
/oauth/return/{consent_id} gives the code at the moment of leaving, so that its 60 seconds are not
spent on reading; the answer names our issuer (RFC 9207) and is a 303 (RFC 9700 section 4.12).
"""

from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.model import Event, Kind
from audit.unit_of_work import begin
from consent.choices import UnknownConsentError
from consent.model import OPEN, Consent, Status
from consent.pushed import PushedRequest, RequestUriError, open_request, pushed, request_of
from consent.reading import consent as read_consent
from consent.tokens import issue_code
from policies.ids import ClientId, ConsentId
from service.model import Session
from service.oauth.parameters import parse
from service.runtime import Runtime
from service.sessions import require_session

_ENDED_WITHOUT = frozenset({Status.REFUSED, Status.LAPSED, Status.CANCELLED})
_NOT_KEPT = {"Cache-Control": "no-store"}


def authorize(request: Request) -> Response:
    """Bind the pushed request to this person and go to the page that asks her.

    Raises OAuthError for a malformed query and RequestUriError for a request that is not open.
    Neither leads back to the client: where that is stands in the request that was not found.
    """
    runtime: Runtime = request.app.state.runtime
    session = require_session(request)
    parameters = parse(request.scope["query_string"])
    client = ClientId(parameters.need("client_id"))
    asked = _open(runtime, session, client, parameters.need("request_uri"))
    return _see_other(f"/{session.language}/requests/{asked.id}")


def go_back(request: Request, consent_id: UUID) -> Response:
    """To the client, with a code or with the refusal.

    Raises UnknownConsentError and CodeNotIssuedError.
    """
    runtime: Runtime = request.app.state.runtime
    session = require_session(request)
    id_ = ConsentId(consent_id)
    with runtime.ledger.read(session.person) as connection:
        found = read_consent(connection, id_)
        asked = request_of(connection, id_)
    if found is None or asked is None or found.person != session.person:
        raise UnknownConsentError
    if found.status in OPEN:
        return _see_other(f"/{session.language}/requests/{found.id}")
    if found.status in _ENDED_WITHOUT:
        return _to_client(asked, runtime, error="access_denied")
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        issued = issue_code(uow, id_, person=session.person)
    return _to_client(asked, runtime, code=issued.code)


def _open(runtime: Runtime, session: Session, client: ClientId, request_uri: str) -> Consent:
    with runtime.ledger.read() as connection:
        known = pushed(connection, request_uri)
    asking = None if known is None else known.request.client
    try:
        _check_client(asking, client)
        with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
            return open_request(uow, request_uri, session.person, session.id)
    except RequestUriError as error:
        _record(runtime, session, asking, error)
        raise


def _check_client(asking: ClientId | None, named: ClientId) -> None:
    """The request is opened in the name of the client that pushed it (RFC 9126 section 2.2)."""
    if asking != named:
        raise RequestUriError("unknown")


def _record(
    runtime: Runtime, session: Session, client: ClientId | None, error: RequestUriError
) -> None:
    with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
        uow.record(
            Event(
                kind=Kind.REQUEST_REFUSED,
                subject=session.person,
                client=client,
                reason=f"request-{error.reason}",
            )
        )


def _to_client(asked: PushedRequest, runtime: Runtime, **answer: str) -> Response:
    """Only ever to the address that was registered and pushed (RFC 9700 section 4.11)."""
    state = {} if asked.state is None else {"state": asked.state}
    added = urlencode({**answer, **state, "iss": runtime.settings.base_url})
    parts = urlsplit(asked.redirect_uri)
    query = f"{parts.query}&{added}" if parts.query else added
    return _see_other(urlunsplit(parts._replace(query=query)))


def _see_other(address: str) -> Response:
    return RedirectResponse(address, 303, headers=_NOT_KEPT)
