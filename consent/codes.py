"""Authorization codes: from the person's yes to the client's tokens, once.

FAPI 2.0 section 5.3.2.1: a code lives 60 s, works once and is bound to the client's key. It is
used up by one guarded UPDATE in the transaction of the event, so of two at once one wins. Refusals
are returned, so that they are recorded and committed, and a client that may not use a code does
not use it up.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit.model import Kind
from audit.unit_of_work import UnitOfWork
from consent.events import consent_event
from consent.grants import Grant, RefusalReason, TokenRefusal
from consent.issuing import issue_by_consent, refuse_token, usable_until
from consent.model import Client, ClientStatus
from consent.opaque import new_handle, stored_digest
from consent.pushed import PushedRequest, read_request, request_of
from consent.store import codes as store
from consent.store import consents, tokens
from policies.ids import ConsentId, PersonId

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
    if usable_until(consent, uow.now) is None:
        raise CodeNotIssuedError("not-active")
    if store.any_redeemed(uow.connection, consent_id):
        raise CodeNotIssuedError("redeemed-before")
    store.kill(uow.connection, consent_id, at=uow.now)
    code, request = new_handle(), _request(uow.connection, consent_id)
    store.add(
        uow.connection,
        stored_digest(code),
        consent=consent_id,
        client=consent.client,
        issued_at=uow.now,
        expires_at=uow.now + CODE_LIFETIME,
        event_id=uow.record(consent_event(uow, Kind.CODE_ISSUED, consent)),
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
    found = store.lock(uow.connection, digest)
    if found is None:
        return refuse_token(uow, client, RefusalReason.UNKNOWN_CODE)
    consent, request = found.consent, read_request(found.client, found.request)
    reason = _why_no_code(found, client, uow.now) or _why_not_bound(
        request, code_verifier=code_verifier, redirect_uri=redirect_uri, jkt=jkt
    )
    if reason is RefusalReason.CODE_REPLAYED:
        tokens.revoke_of_consent(uow.connection, consent.id, at=uow.now)
    if reason is not None:
        return refuse_token(uow, client, reason, consent)
    refreshes = "refresh_token" in client.grant_types
    given = issue_by_consent(uow, consent, client, jkt=jkt, with_refresh=refreshes)
    if isinstance(given, Grant):
        store.redeem(uow.connection, digest, at=uow.now)
    return given


def _why_no_code(found: store.LockedCode, client: Client, now: datetime) -> RefusalReason | None:
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


def _request(connection: Connection, consent_id: ConsentId) -> PushedRequest:
    request = request_of(connection, consent_id)
    if request is None:
        raise RuntimeError("a consent has no request that it came from")
    return request
