"""GET /api/v1/events: what a client is told, from a place on that it names.

The client authenticates as at the OAuth endpoints, by `private_key_jwt` (RFC 7523). A GET has no
form, so the assertion comes in a header; from there on the steps are the same ones. Each look is an
event, since it uses up its assertion.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import format_instant
from consent.notice import Notice, Told
from consent.notices import MOST, Feed, feed
from policies.ids import PersonId
from service.api.by_key import served
from service.asgi import respond
from service.exchange import Answer, Call
from service.oauth.authenticated import Asked, Endpoint, ProofIs
from service.oauth.errors import OAuthError, Reason
from service.oauth.server import AuthorizationServer
from vault.names import who_now
from vault.people import UnknownPersonError, issue_pairwise_subject

router = APIRouter()

ENDPOINT = Endpoint("events", Kind.TOKEN_REFUSED, ProofIs.IGNORED)
_FURTHEST = 2**63 - 1
_DIGITS = 19
_USUAL = 100

_REFUSED: dict[str, Any] = {
    "description": "Not understood, or the client has not shown its key",
    "content": {"application/problem+json": {"schema": {"type": "object"}}},
}

_After = Annotated[str, Query(description="`next` of the page before; none: from the start")]
_Limit = Annotated[str, Query(description=f"1 to {MOST}, else {_USUAL}")]
_Assertion = Annotated[str, Header(description="A JWT as at /oauth/token")]


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of the feed, and the names under which the client knows the people."""

    after: int
    feed: Feed
    subjects: dict[PersonId, str]


@router.get(
    "/api/v1/events",
    tags=["Data"],
    summary="What concerns this client, in order, from a place on",
    responses={400: _REFUSED, 401: _REFUSED, 429: _REFUSED, "4XX": _REFUSED},
)
async def events(
    request: Request,
    after: _After = "",  # noqa: ARG001  # for the description: the endpoint reads them itself
    limit: _Limit = "",  # noqa: ARG001
    client_assertion: _Assertion = "",  # noqa: ARG001
) -> Response:
    server: AuthorizationServer = request.app.state.server
    return await respond(answer, server, request)


def answer(server: AuthorizationServer, call: Call) -> Answer:
    """A page of the client's feed."""
    return served(server, call, ENDPOINT, _read, _answer)


def _read(uow: UnitOfWork, asked: Asked) -> _Page:
    after = _number(asked, "after", most=_FURTHEST, usual=0)
    limit = _number(asked, "limit", most=MOST, usual=_USUAL)
    found = feed(uow, asked.client.id, after=after, limit=max(1, limit))
    organisation = asked.client.organisation
    uow.record(Event(kind=Kind.FEED_READ, organisation=organisation, client=asked.client.id))
    return _Page(after, found, _subjects(uow, asked, found))


def _number(asked: Asked, name: str, *, most: int, usual: int) -> int:
    text = asked.parameters.get(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) <= most):
        raise OAuthError(Reason.PARAMETER_FORM, name)
    return int(text)


def _subjects(uow: UnitOfWork, asked: Asked, found: Feed) -> dict[PersonId, str]:
    """Names of those whom the client may know. In the order of ids, since a first name locks its
    person, and two readers must wait for each other in one direction only."""
    people = {notice.person for _, notice in found.notices if notice.what is not Told.NOT_GIVEN}
    names: dict[PersonId, str] = {}
    vault, sector = asked.server.runtime.vault, asked.client.organisation
    # Who was joined to another is known by that one's name from now on.
    now = who_now(uow.connection, people)
    for person in sorted(people, key=lambda each: now[each]):
        try:
            names[person] = issue_pairwise_subject(uow, vault, now[person], sector)
        except UnknownPersonError:
            continue  # she has been erased: the notice of that holds her name, others have none
    return names


def _answer(page: _Page) -> Answer:
    notices = page.feed.notices
    return Answer.json(
        {
            "events": [_event(notice, page.subjects.get(notice.person)) for _, notice in notices],
            "next": str(notices[-1][0] if notices else page.after),
            "more": page.feed.more,
        }
    )


def _event(notice: Notice, subject: str | None) -> dict[str, object]:
    members = {
        "type": notice.what.value,
        "at": format_instant(notice.at.replace(microsecond=0)),
        "event": str(notice.about),
        "consent": None if notice.consent is None else str(notice.consent),
        "subject": None if notice.what is Told.NOT_GIVEN else subject or notice.subject,
        "former_subjects": list(notice.former_subjects) or None,
        "purpose": notice.purpose,
        "case": notice.case,
        "datatypes": list(notice.attributes) or None,
        "reason": notice.reason,
    }
    return {name: value for name, value in members.items() if value is not None}
