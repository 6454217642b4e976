"""Sessions: who is signed in at this browser, how surely, and until when.

The cookie holds 256 random bits, the database their SHA-256. A session ends when it has not been
used for a while, and after some hours in any case (OWASP ASVS 5.0 section 7.3). The value is new
at each sign-in, so a value that somebody planted before is worth nothing afterwards.
"""

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from sqlalchemy import Connection, Row, insert, select, update
from starlette.responses import Response

from audit.model import Actor, Event, Kind
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import EventId, PersonId, SessionId, new_uuid
from policies.vocabulary import Language, LevelOfAssurance, Role
from service import store
from service.roles import roles_of
from service.runtime import Runtime
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts unused, and how long at most."""

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=8)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Limits":
        return cls(
            timedelta(minutes=settings.session_idle_minutes),
            timedelta(hours=settings.session_hours),
        )

    @property
    def noted_every(self) -> timedelta:
        """How often the use of a session is written down; the idle end counts from there."""
        return self.idle / 6


class SignInRequiredError(Exception):
    """The page needs a signed-in person."""


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser."""

    id: SessionId
    person: PersonId
    loa: LevelOfAssurance
    language: Language
    auth_time: datetime
    started_at: datetime
    seen_at: datetime
    ends_at: datetime
    browser_hash: bytes = field(repr=False)
    form_key: bytes = field(repr=False)
    roles: frozenset[Role] = frozenset({Role.CITIZEN})

    @property
    def actor(self) -> Actor:
        return Actor.person(self.person)

    def end_reason(self, now: datetime, limits: Limits) -> str | None:
        """Why the session is over at `now`, None while it lasts."""
        if now >= self.ends_at:
            return "absolute-end"
        return "idle-end" if now >= self.seen_at + limits.idle else None


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
    uow.connection.execute(insert(store.session).values(_row(session, token, event_id)))
    return session, token


def find(connection: Connection, token: str) -> Session | None:
    """The session of a cookie value, ended ones left out; the caller asks `end_reason`."""
    table = store.session
    query = select(table).where(table.c.token_hash == hash_token(token), table.c.ended_at.is_(None))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return replace(_session(row), roles=roles_of(connection, PersonId(row.person_id)))


def sessions_of(
    connection: Connection, person: PersonId, *, now: datetime, limits: Limits
) -> list[Session]:
    """The person's sessions that have not ended, newest first."""
    table = store.session
    query = (
        select(table)
        .where(
            table.c.person_id == person,
            table.c.ended_at.is_(None),
            table.c.ends_at > now,
            table.c.seen_at > now - limits.idle,
        )
        .order_by(table.c.started_at.desc())
    )
    return [_session(row) for row in connection.execute(query)]


def end(uow: UnitOfWork, session_id: SessionId, *, person: PersonId, reason: str) -> bool:
    """End a session of this person; False when there is none (any more)."""
    table = store.session
    ended = uow.connection.execute(
        update(table)
        .where(
            table.c.session_id == session_id,
            table.c.person_id == person,
            table.c.ended_at.is_(None),
        )
        .values(ended_at=uow.now)
    )
    if ended.rowcount == 0:
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
    table = store.session
    noted = uow.connection.execute(
        update(table)
        .where(table.c.session_id == session.id, table.c.seen_at == session.seen_at)
        .values(seen_at=uow.now)
    )
    if noted.rowcount:
        _record(uow, Kind.SESSION_CONTINUED, session)
    return replace(session, seen_at=uow.now)


def _record(uow: UnitOfWork, kind: Kind, session: Session) -> EventId:
    return uow.record(Event(kind=kind, subject=session.person, reference=str(session.id)))


def _row(session: Session, token: str, event_id: EventId) -> dict[str, object]:
    return {
        "session_id": session.id,
        "token_hash": hash_token(token),
        "browser_hash": session.browser_hash,
        "form_key": session.form_key,
        "person_id": session.person,
        "loa": int(session.loa),
        "language": session.language,
        "auth_time": session.auth_time,
        "started_at": session.started_at,
        "seen_at": session.seen_at,
        "ends_at": session.ends_at,
        "audit_event_id": event_id,
    }


def _session(row: Row[Any]) -> Session:
    return Session(
        id=SessionId(row.session_id),
        person=PersonId(row.person_id),
        loa=LevelOfAssurance(row.loa),
        language=Language(row.language),
        auth_time=row.auth_time,
        started_at=row.started_at,
        seen_at=row.seen_at,
        ends_at=row.ends_at,
        browser_hash=row.browser_hash,
        form_key=row.form_key,
    )
