"""Rows of authorization codes."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from audit.prepared import PreparedSelect
from consent.model import Consent
from consent.store.consents import consent_of
from consent.store.guard import ConsentChangedError
from consent.store.tables import code, consent, pushed_request
from policies.ids import ClientId, ConsentId, EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedCode:
    """A code that changes only with us until the transaction ends, and what it is bound to."""

    client: ClientId
    expires_at: datetime
    redeemed_at: datetime | None
    dead_at: datetime | None
    consent: Consent
    request: bytes = field(repr=False)


def add(
    connection: Connection,
    digest: bytes,
    *,
    consent: ConsentId,
    client: ClientId,
    issued_at: datetime,
    expires_at: datetime,
    event_id: EventId,
) -> None:
    """Store a code under the digest of its handle."""
    connection.execute(
        insert(code).values(
            handle_digest=digest,
            consent_id=consent,
            client_id=client,
            issued_at=issued_at,
            expires_at=expires_at,
            audit_event_id=event_id,
        )
    )


def lock(connection: Connection, digest: bytes) -> LockedCode | None:
    """The code with its consent and request; None when one of the three is not there.

    On PostgreSQL the consent's row is locked before the code's, as a withdrawal does, and both
    are read as they are after waiting.
    """
    row = _LOCK.one_or_none(connection, {"digest": digest})
    if row is None:
        return None
    return LockedCode(
        client=ClientId(row.code_client_id),
        expires_at=row.code_expires_at,
        redeemed_at=row.redeemed_at,
        dead_at=row.dead_at,
        consent=consent_of(row),
        request=row.parameters,
    )


def any_redeemed(connection: Connection, consent_id: ConsentId) -> bool:
    """Whether a code of this consent has been redeemed."""
    query = select(code.c.handle_digest).where(
        code.c.consent_id == consent_id, code.c.redeemed_at.is_not(None)
    )
    return connection.execute(query.limit(1)).first() is not None


def redeem(connection: Connection, digest: bytes, *, at: datetime) -> None:
    """Use the code up. Raises ConsentChangedError when it was used or dead."""
    changed = connection.execute(_REDEEM, {"digest": digest, "at": at})
    if changed.rowcount != 1:
        raise ConsentChangedError


def kill(connection: Connection, consent_id: ConsentId, *, at: datetime) -> None:
    """End all codes of the consent that nobody has redeemed."""
    connection.execute(
        update(code)
        .where(
            code.c.consent_id == consent_id,
            code.c.redeemed_at.is_(None),
            code.c.dead_at.is_(None),
        )
        .values(dead_at=at)
    )


_LOCK = PreparedSelect(
    select(
        consent,
        code.c.client_id.label("code_client_id"),
        code.c.expires_at.label("code_expires_at"),
        code.c.redeemed_at,
        code.c.dead_at,
        pushed_request.c.parameters,
    )
    .join_from(code, consent, consent.c.consent_id == code.c.consent_id)
    .join(pushed_request, pushed_request.c.consent_id == code.c.consent_id)
    .where(code.c.handle_digest == bindparam("digest"))
    .with_for_update(of=[consent, code], key_share=True)
)
_REDEEM = (
    update(code)
    .where(
        code.c.handle_digest == bindparam("digest"),
        code.c.redeemed_at.is_(None),
        code.c.dead_at.is_(None),
    )
    .values(redeemed_at=bindparam("at"))
)
