"""Sessions: who is signed in at this browser, how surely, and until when.

The cookie holds 256 random bits, the database their SHA-256. A session ends when it has not been
used for a while, and after some hours in any case (OWASP ASVS 5.0 section 7.3). The value is new
at each sign-in, so a value that somebody planted before is worth nothing afterwards.
"""

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy import Connection
from starlette.responses import Response

from audit.model import Event, Kind
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import EventId, PersonId, SessionId, new_uuid
from policies.vocabulary import Language, LevelOfAssurance
from service.model import Limits, Session
from service.roles import roles_of
from service.runtime import Runtime
from service.store import sessions as store

__all__ = ["Session", "SignInRequiredError", "current_session", "require_session"]


class SignInRequiredError(Exception):
    """The page needs a signed-in person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What the identity provider's answer says, as far as a session needs it."""

    person: PersonId
    loa: LevelOfAssurance
    auth_time: datetime
    language: Language
    browser_hash: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cookie:
    """The one cookie. `__Host-` ties it to this origin (RFC 6265bis section 4.1.3.2)."""

    name: str
    secure: bool

    @classmethod
    def for_base_url(cls, base_url: str) -> "Cookie":
        """Plain http is for loopback only, and there browsers take no `__Host-` cookie."""
        secure = urlsplit(base_url).scheme == "https"
        return cls("__Host-session" if secure else "session", secure)

    def read(self, request: Request) -> str | None:
        return request.cookies.get(self.name)

    def write(self, response: Response, value: str) -> None:
        response.set_cookie(
            self.name, value, secure=self.secure, httponly=True, samesite="lax", path="/"
        )

    def clear(self, response: Response) -> None:
        response.delete_cookie(
            self.name, secure=self.secure, httponly=True, samesite="lax", path="/"
        )


def new_token() -> str:
    """A fresh cookie value, 256 bits."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """What the database keeps of a cookie value."""
    return hashlib.sha256(token.encode()).digest()


def start(uow: UnitOfWork, signed_in: SignedIn, limits: Limits) -> tuple[Session, str]:
    """Begin a session and give it with its cookie value, which is not kept anywhere."""
    token = new_token()
    session = Session(
        id=SessionId(new_uuid()),
        person=signed_in.person,
        loa=signed_in.loa,
        language=signed_in.language,
        auth_time=signed_in.auth_time,
        started_at=uow.now,
        seen_at=uow.now,
        ends_at=uow.now + limits.absolute,
        browser_hash=signed_in.browser_hash,
        form_key=secrets.token_bytes(32),
        roles=roles_of(uow.connection, signed_in.person),
    )
    event_id = _record(uow, Kind.SIGNED_IN, session)
    store.add(uow.connection, session, hash_token(token), event_id)
    return session, token


def find(connection: Connection, token: str) -> Session | None:
    """The session of a cookie value, ended ones left out; the caller asks `end_reason`."""
    found = store.find(connection, hash_token(token))
    return found and replace(found, roles=roles_of(connection, found.person))


def sessions_of(
    connection: Connection, person: PersonId, *, now: datetime, limits: Limits
) -> list[Session]:
    """The person's living sessions, newest first."""
    return store.of_person(connection, person, seen_after=now - limits.idle, ends_after=now)


def end(uow: UnitOfWork, session_id: SessionId, *, person: PersonId, reason: str) -> bool:
    """End a session of this person; False when there is none (any more)."""
    if not store.set_ended(uow.connection, session_id, person=person, now=uow.now):
        return False
    uow.record(
        Event(kind=Kind.SIGNED_OUT, subject=person, reason=reason, reference=str(session_id))
    )
    return True


def current_session(request: Request) -> Session | None:
    """The session of this request, None when nobody is signed in. Read once for each request."""
    if not hasattr(request.state, "session"):
        request.state.session = _look_up(request)
    session: Session | None = request.state.session
    return session


def require_session(request: Request) -> Session:
    """The session of this request. Raises SignInRequiredError when nobody is signed in."""
    session = current_session(request)
    if session is None:
        raise SignInRequiredError
    return session


def _look_up(request: Request) -> Session | None:
    runtime: Runtime = request.app.state.runtime
    token = Cookie.for_base_url(runtime.settings.base_url).read(request)
    if token is None:
        return None
    with runtime.ledger.read() as connection:
        session = find(connection, token)
    if session is None:
        return None
    limits = Limits.from_settings(runtime.settings)
    return keep_or_end(runtime.ledger, session, now=runtime.now(), limits=limits)


def keep_or_end(
    ledger: Ledger, session: Session, *, now: datetime, limits: Limits
) -> Session | None:
    """Note that the session is in use, or end it when its time is over."""
    reason = session.end_reason(now, limits)
    if reason is None and now < session.seen_at + limits.noted_every:
        return session
    with begin(ledger, actor=session.actor, now=now) as uow:
        if reason is None:
            return _note_use(uow, session)
        end(uow, session.id, person=session.person, reason=reason)
    return None


def _note_use(uow: UnitOfWork, session: Session) -> Session:
    # Two pages may open at once: the one that comes second finds the time noted and leaves it.
    if store.set_seen(uow.connection, session, uow.now):
        _record(uow, Kind.SESSION_CONTINUED, session)
    return replace(session, seen_at=uow.now)


def _record(uow: UnitOfWork, kind: Kind, session: Session) -> EventId:
    return uow.record(Event(kind=kind, subject=session.person, reference=str(session.id)))
