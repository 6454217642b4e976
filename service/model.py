"""Who is signed in, and a sign-in under way."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.model import Actor
from policies.ids import PersonId, SessionId
from policies.vocabulary import Language, LevelOfAssurance, Role
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """Hash of the cookie that the browser had before; see `service.signin`."""
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
class SignInFlow:
    """One sign-in under way at the identity provider; each tab has its own."""

    browser_hash: bytes = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    loa: LevelOfAssurance
    language: Language
    return_to: str
    ends_at: datetime
