"""Tokens: opaque, stored as SHA-256, bound to a key, dead with the consent.

FAPI 2.0 section 5.3.2.1: refresh tokens are not rotated, every access token is bound to its
client's key (RFC 9449). Refusals are returned, so that they are recorded and committed.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.authorization_details import TYPE, AuthorizationDetails
from consent.codes import CodeNotIssuedError, IssuedCode, issue_code, redeem_code
from consent.grants import Grant, RefusalReason, TokenAccess, TokenRefusal
from consent.issuing import issue_by_consent, issue_by_law, refuse_token
from consent.model import Client, ClientStatus
from consent.opaque import logged_digest, stored_digest
from consent.purposes import purpose
from consent.store import consents, used
from consent.store import tokens as store
from consent.store.used import Use
from policies.ids import PersonId
from policies.purposes import PurposeDeclaration

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
    "use_each_once",
    "use_once",
]


def refresh(
    uow: UnitOfWork, refresh_token: str, *, client: Client, jkt: str
) -> Grant | TokenRefusal:
    """A new access token; the refresh token stays, until the consent ends.

    The new token is bound to the key given now, which may differ from the one before.
    """
    found = store.lock_refresh(uow.connection, stored_digest(refresh_token))
    if found is None:
        return refuse_token(uow, client, RefusalReason.UNKNOWN_TOKEN)
    reason = _why_no_refresh(found, client)
    if reason is not None:
        return refuse_token(uow, client, reason, found.consent)
    return issue_by_consent(uow, found.consent, client, jkt=jkt, with_refresh=False)


def issue_statutory_token(
    uow: UnitOfWork,
    client: Client,
    details: AuthorizationDetails,
    person: PersonId,
    *,
    jkt: str,
    declaration: PurposeDeclaration | None = None,
) -> Grant | TokenRefusal:
    """A token on the ground of the law, by client credentials.

    The ground follows from the purpose declaration in force, never from the request. Who has
    read it in this unit of work already gives it along; otherwise it is read here.
    """
    declaration = declaration or purpose(uow.connection, details.purpose)
    if client.status is not ClientStatus.ACTIVE:
        return refuse_token(uow, client, RefusalReason.CLIENT_SUSPENDED)
    if "client_credentials" not in client.grant_types:
        return refuse_token(uow, client, RefusalReason.GRANT_TYPE)
    if TYPE not in client.authorization_details_types:
        return refuse_token(uow, client, RefusalReason.DETAILS_TYPE)
    return issue_by_law(uow, client, details, person, jkt=jkt, declaration=declaration)


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
                token=logged_digest(stored_digest(token)),
                visible_from=found.visible_from,
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
    return use_each_once(uow, [(scope, value, expires)])[0]


def use_each_once(uow: UnitOfWork, uses: Sequence[Use]) -> list[bool]:
    """The same for several, in one round trip: each is its scope, its value and its end."""
    return used.add(uow.connection, uses, now=uow.now)


def _why_no_refresh(found: store.LockedRefresh, client: Client) -> RefusalReason | None:
    if found.client != client.id:
        return RefusalReason.WRONG_CLIENT
    if client.status is not ClientStatus.ACTIVE:
        return RefusalReason.CLIENT_SUSPENDED
    return RefusalReason.TOKEN_ENDED if found.revoked_at is not None else None
