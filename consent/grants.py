"""What a client gets: a grant of tokens, or a refusal; and what a token stands for."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from consent.answer_seal import AnswerSeal
from consent.authorization_details import AuthorizationDetails
from consent.model import ConsentRef
from consent.opaque import logged_digest
from policies.ids import (
    AttributeId,
    ClientId,
    ConsentId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
)
from policies.vocabulary import LegalBasis


class TokenKind(StrEnum):
    """What an access token stands on."""

    CONSENT = "consent"
    STATUTE = "statute"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAccess:
    """What an access token stands for.

    `active` says how token, consent and client stood when this was read; the time is the
    reader's to compare with `expires_at`. All but `active` stays true for the token's life, so
    it may be remembered; `consent.decisions` reads the rest again at each fetch.
    """

    digest: bytes = field(repr=False)
    kind: TokenKind
    consent: ConsentId | None
    person: PersonId
    organisation: OrganisationId
    client: ClientId
    purpose: PurposeId
    basis: LegalBasis
    attributes: tuple[AttributeId, ...]
    jkt: str
    """Thumbprint of the key that the token is bound to (RFC 9449 section 6)."""
    issued_at: datetime
    expires_at: datetime
    case: str | None
    active: bool
    purpose_version: int | None = None
    visible_from: datetime | None = None
    """From when on the person sees what is done with it, where a law keeps it back from her."""
    answer_seal: AnswerSeal | None = None
    """How the client wants what it reads by this token."""

    @property
    def logged(self) -> str:
        """What events say of the token."""
        return logged_digest(self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Tokens for a client, with exactly what they open (RFC 9396 section 7)."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int
    """Seconds until the access token ends."""
    kind: TokenKind
    consent: ConsentRef | None
    person: PersonId
    details: AuthorizationDetails
    event_id: EventId


class RefusalReason(StrEnum):
    """Why no token is given."""

    UNKNOWN_CODE = "unknown-code"
    WRONG_CLIENT = "wrong-client"
    CODE_REPLAYED = "code-replayed"
    CODE_ENDED = "code-ended"
    REDIRECT_DIFFERS = "redirect-differs"
    VERIFIER_DIFFERS = "verifier-differs"
    KEY_DIFFERS = "key-differs"
    CONSENT_NOT_ACTIVE = "consent-not-active"
    CLIENT_SUSPENDED = "client-suspended"
    GRANT_TYPE = "grant-type-not-allowed"
    UNKNOWN_TOKEN = "unknown-token"  # noqa: S105  # a reason, not a secret
    TOKEN_ENDED = "token-ended"  # noqa: S105
    NOT_BY_LAW = "not-by-law"
    DETAILS_TYPE = "details-type-not-registered"
    OTHER_DATASET = "dataset-of-another-source"


@dataclass(frozen=True, slots=True)
class TokenRefusal:
    """No token; the event `token.refused` with this id says why to those who may read it."""

    reason: RefusalReason
    event_id: EventId
