"""Codes and tokens: opaque, stored as SHA-256, bound to a key, dead with the consent.

FAPI 2.0 section 5.3.2.1: a code lives 60 s and works once, refresh tokens are not rotated,
every access token is bound to its client's key (RFC 9449). Each use is one guarded UPDATE or one
INSERT in the transaction of its event, so of two at once one wins. Refusals are returned, so that
they are recorded and committed, and a client that may not use a code does not use it up.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import AuthorizationDetails
from consent.grants import Grant, RefusalReason, TokenAccess, TokenRefusal
from consent.issuing import issue_by_consent, issue_by_law
from consent.model import Client, ClientStatus, Consent, Status
from consent.opaque import new_handle, stored_digest
from consent.purposes import purpose
from consent.pushed import PushedRequest, request_of
from consent.store import codes, consents, used
from consent.store import tokens as store
from policies.ids import ConsentId, PersonId
from policies.vocabulary import LegalBasis

__all__ = [
    "CodeNotIssuedError",
    "Grant",
    "IssuedCode",
    "RefusalReason",
    "TokenAccess",
    "TokenRefusal",
    "access",
    "issue_code",
    "issue_statutory_token",
    "redeem_code",
    "refresh",
    "revoke",
    "use_once",
]

CODE_LIFETIME = timedelta(seconds=60)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class CodeNotIssuedError(ValueError):
    """No code: the consent is unknown to this person, not active, or gave tokens before."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code and where it goes."""

    code: str = field(repr=False)
    redirect_uri: str
    state: str | None


def issue_code(uow: UnitOfWork, consent_id: ConsentId, *, person: PersonId) -> IssuedCode:
    """A code for a consent that this person gave; an earlier one that nobody redeemed dies.

    Once a code was redeemed no more are given. Raises CodeNotIssuedError.
    """
    consent = consents.lock(uow.connection, consent_id)
    if consent is None or consent.person != person:
        # A code for another person's consent would sign its bearer in as her at the agency.
        raise CodeNotIssuedError("unknown")
    if _end_if_usable(consent, uow.now) is None:
        raise CodeNotIssuedError("not-active")
    if codes.any_redeemed(uow.connection, consent_id):
        raise CodeNotIssuedError("redeemed-before")
    codes.kill(uow.connection, consent_id, at=uow.now)
    code, request = new_handle(), _request(uow.connection, consent_id)
    codes.add(
        uow.connection,
        stored_digest(code),
        consent=consent_id,
        client=consent.client,
        issued_at=uow.now,
        expires_at=uow.now + CODE_LIFETIME,
        event_id=uow.record(_event(Kind.CODE_ISSUED, consent)),
    )
    return IssuedCode(code, request.redirect_uri, request.state)


def redeem_code(
    uow: UnitOfWork,
    code: str,
    *,
    client: Client,
    code_verifier: str,
    redirect_uri: str | None,
    jkt: str,
) -> Grant | TokenRefusal:
    """Tokens for a code, once (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

    A code that comes back after it was redeemed ends the tokens that it gave. A wrong client,
    verifier, address or key is refused and leaves the code to the right one.
    """
    digest = stored_digest(code)
    seen = codes.find(uow.connection, digest)
    consent = None if seen is None else consents.lock(uow.connection, seen.consent)
    # Read anew: a code changes only while its consent is locked, and now it is locked by us.
    found = codes.find(uow.connection, digest)
    if found is None or consent is None:
        return _refusal(uow, client, RefusalReason.UNKNOWN_CODE)
    request = _request(uow.connection, consent.id)
    reason = _why_no_code(found, client, uow.now) or _why_not_bound(
        request, code_verifier=code_verifier, redirect_uri=redirect_uri, jkt=jkt
    )
    if reason is RefusalReason.CODE_REPLAYED:
        store.revoke_of_consent(uow.connection, consent.id, at=uow.now)
    ends = _end_if_usable(consent, uow.now)
    if reason is not None or ends is None:
        return _refusal(uow, client, reason or RefusalReason.CONSENT_NOT_ACTIVE, consent)
    codes.redeem(uow.connection, digest, at=uow.now)
    refreshes = "refresh_token" in client.grant_types
    return issue_by_consent(uow, consent, ends=ends, jkt=jkt, with_refresh=refreshes)


def refresh(
    uow: UnitOfWork, refresh_token: str, *, client: Client, jkt: str
) -> Grant | TokenRefusal:
    """A new access token; the refresh token stays, until the consent ends.

    The new token is bound to the key given now, which may differ from the one before.
    """
    digest = stored_digest(refresh_token)
    seen = store.find(uow.connection, digest)
    if seen is None or seen.kind != store.REFRESH or seen.consent is None:
        return _refusal(uow, client, RefusalReason.UNKNOWN_TOKEN)
    consent = consents.lock(uow.connection, seen.consent)
    found = store.find(uow.connection, digest)
    if consent is None or found is None:
        return _refusal(uow, client, RefusalReason.UNKNOWN_TOKEN)
    reason = _why_no_refresh(found, client)
    ends = _end_if_usable(consent, uow.now)
    if reason is not None or ends is None:
        return _refusal(uow, client, reason or RefusalReason.CONSENT_NOT_ACTIVE, consent)
    return issue_by_consent(uow, consent, ends=ends, jkt=jkt, with_refresh=False)


def issue_statutory_token(
    uow: UnitOfWork, client: Client, details: AuthorizationDetails, person: PersonId, *, jkt: str
) -> Grant | TokenRefusal:
    """A token on the ground of the law, by client credentials.

    The ground follows from the purpose declaration in force, never from the request.
    """
    declaration = purpose(uow.connection, details.purpose)
    by_law = (
        declaration is not None
        and declaration.basis is LegalBasis.STATUTE
        and declaration.organisation == client.organisation
        and {each.id for each in declaration.attributes} >= set(details.attributes)
    )
    if client.status is not ClientStatus.ACTIVE:
        return _refusal(uow, client, RefusalReason.CLIENT_SUSPENDED)
    if "client_credentials" not in client.grant_types:
        return _refusal(uow, client, RefusalReason.GRANT_TYPE)
    if not by_law:
        return _refusal(uow, client, RefusalReason.NOT_BY_LAW)
    return issue_by_law(uow, client, details, person, jkt=jkt)


def revoke(uow: UnitOfWork, token: str, *, client: Client) -> bool:
    """End a token at its client's wish (RFC 7009); a refresh token takes its access tokens along.

    False when there was nothing to end; the answer to the client is the same.
    """
    found = store.find(uow.connection, stored_digest(token))
    if found is None or found.client != client.id:
        return False
    if found.kind == store.REFRESH and found.consent is not None:
        consents.lock(uow.connection, found.consent)
        ended = store.revoke_of_consent(uow.connection, found.consent, at=uow.now)
    else:
        ended = store.revoke(uow.connection, stored_digest(token), at=uow.now)
    if ended:
        uow.record(
            Event(
                kind=Kind.TOKEN_REVOKED,
                subject=found.person,
                organisation=client.organisation,
                client=client.id,
                reason="token-revoked",
            )
        )
    return ended > 0


def access(connection: Connection, token: str) -> TokenAccess | None:
    """What an access token stands for; None for anything else, a refresh token included."""
    return store.access(connection, stored_digest(token))


def use_once(uow: UnitOfWork, scope: str, value: str, expires: datetime) -> bool:
    """Note that an assertion or a proof was used; False when it had been, also under a race.

    Kept until `expires`, after which the value must be refused for its age anyway.
    """
    return used.add(uow.connection, scope=scope, value=value, now=uow.now, expires_at=expires)


def _end_if_usable(consent: Consent, now: datetime) -> datetime | None:
    """The end of a consent that may be used now, else None."""
    ends = consent.not_after
    usable = consent.status is Status.ACTIVE and ends is not None and now < ends
    return ends if usable else None


def _why_no_code(found: codes.StoredCode, client: Client, now: datetime) -> RefusalReason | None:
    if found.client != client.id:
        return RefusalReason.WRONG_CLIENT
    if client.status is not ClientStatus.ACTIVE:
        return RefusalReason.CLIENT_SUSPENDED
    if found.redeemed_at is not None:
        return RefusalReason.CODE_REPLAYED
    if found.dead_at is not None or now >= found.expires_at:
        return RefusalReason.CODE_ENDED
    return None


def _why_not_bound(
    request: PushedRequest, *, code_verifier: str, redirect_uri: str | None, jkt: str
) -> RefusalReason | None:
    if redirect_uri is not None and redirect_uri != request.redirect_uri:
        return RefusalReason.REDIRECT_DIFFERS
    if not _verifies(code_verifier, request.code_challenge):
        return RefusalReason.VERIFIER_DIFFERS
    if request.dpop_jkt is not None and request.dpop_jkt != jkt:
        return RefusalReason.KEY_DIFFERS
    return None


def _verifies(verifier: str, challenge: str) -> bool:
    """PKCE with S256 (RFC 7636 section 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    computed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(computed, challenge)


def _why_no_refresh(found: store.StoredToken, client: Client) -> RefusalReason | None:
    if found.client != client.id:
        return RefusalReason.WRONG_CLIENT
    if client.status is not ClientStatus.ACTIVE:
        return RefusalReason.CLIENT_SUSPENDED
    return RefusalReason.TOKEN_ENDED if found.revoked_at is not None else None


def _request(connection: Connection, consent_id: ConsentId) -> PushedRequest:
    request = request_of(connection, consent_id)
    if request is None:
        raise RuntimeError("a consent has no request that it came from")
    return request


def _refusal(
    uow: UnitOfWork, client: Client, reason: RefusalReason, consent: Consent | None = None
) -> TokenRefusal:
    if consent is None:
        event = Event(
            kind=Kind.TOKEN_REFUSED,
            organisation=client.organisation,
            client=client.id,
            reason=reason,
        )
    else:
        event = replace(
            _event(Kind.TOKEN_REFUSED, consent),
            client=client.id,
            organisation=client.organisation,
            reason=reason,
        )
    return TokenRefusal(reason, uow.record(event))


def _event(kind: Kind, consent: Consent) -> Event:
    return Event(
        kind=kind,
        subject=consent.person,
        organisation=consent.organisation,
        client=consent.client,
        consent=str(consent.ref),
        purpose=consent.purpose,
        basis=consent.basis,
        attributes=consent.granted,
        case=consent.case,
    )
