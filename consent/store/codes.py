"""Rows of authorization codes."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from consent.store.guard import ConsentChangedError
from consent.store.tables import code
from policies.ids import ClientId, ConsentId, EventId


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCode:
    """A code as it is stored."""

    consent: ConsentId
    client: ClientId
    expires_at: datetime
    redeemed_at: datetime | None
    dead_at: datetime | None


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


def find(connection: Connection, digest: bytes) -> StoredCode | None:
    """The code; it changes only while its consent is locked."""
    row = connection.execute(select(code).where(code.c.handle_digest == digest)).one_or_none()
    if row is None:
        return None
    return StoredCode(
        consent=ConsentId(row.consent_id),
        client=ClientId(row.client_id),
        expires_at=row.expires_at,
        redeemed_at=row.redeemed_at,
        dead_at=row.dead_at,
    )


def any_redeemed(connection: Connection, consent_id: ConsentId) -> bool:
    """Whether a code of this consent has been redeemed."""
    query = select(code.c.handle_digest).where(
        code.c.consent_id == consent_id, code.c.redeemed_at.is_not(None)
    )
    return connection.execute(query.limit(1)).first() is not None


def redeem(connection: Connection, digest: bytes, *, at: datetime) -> None:
    """Use the code up. Raises ConsentChangedError when it was used or dead."""
    changed = connection.execute(
        update(code)
        .where(
            code.c.handle_digest == digest,
            code.c.redeemed_at.is_(None),
            code.c.dead_at.is_(None),
        )
        .values(redeemed_at=at)
    )
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
