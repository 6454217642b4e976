"""Rows of pushed authorization requests."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from consent.model import StoredRequest
from consent.store.guard import ConsentChangedError
from consent.store.sweeping import sweep, sweeps
from consent.store.tables import pushed_request
from policies.ids import ClientId, ConsentId, EventId, PersonId, SessionId


def add(
    connection: Connection,
    digest: bytes,
    *,
    client: ClientId,
    parameters: bytes,
    pushed_at: datetime,
    expires_at: datetime,
    event_id: EventId,
) -> None:
    """Store a request under the digest of its handle."""
    if sweeps(digest):
        over = pushed_request.c.expires_at <= pushed_at
        connection.execute(sweep(pushed_request, over & pushed_request.c.person_id.is_(None)))
    connection.execute(
        insert(pushed_request).values(
            handle_digest=digest,
            client_id=client,
            parameters=parameters,
            pushed_at=pushed_at,
            expires_at=expires_at,
            audit_event_id=event_id,
        )
    )


def find(connection: Connection, digest: bytes) -> StoredRequest | None:
    """The request, for reading."""
    query = select(pushed_request).where(pushed_request.c.handle_digest == digest)
    return _stored(connection.execute(query).one_or_none())


def lock(connection: Connection, digest: bytes) -> StoredRequest | None:
    """The request, locked until the transaction ends."""
    query = select(pushed_request).where(pushed_request.c.handle_digest == digest)
    return _stored(connection.execute(query.with_for_update()).one_or_none())


def of_consent(connection: Connection, consent_id: ConsentId) -> StoredRequest | None:
    """The request from which a consent came."""
    query = select(pushed_request).where(pushed_request.c.consent_id == consent_id)
    return _stored(connection.execute(query).one_or_none())


def bind(
    connection: Connection,
    digest: bytes,
    *,
    person: PersonId,
    session: SessionId,
    consent: ConsentId,
    event_id: EventId,
) -> None:
    """Bind the request to who has opened it. Raises ConsentChangedError when it was bound."""
    changed = connection.execute(
        update(pushed_request)
        .where(pushed_request.c.handle_digest == digest, pushed_request.c.person_id.is_(None))
        .values(person_id=person, session_id=session, consent_id=consent, audit_event_id=event_id)
    )
    if changed.rowcount != 1:
        raise ConsentChangedError


def _stored(row: Row[Any] | None) -> StoredRequest | None:
    if row is None:
        return None
    return StoredRequest(
        client=ClientId(row.client_id),
        document=row.parameters,
        pushed_at=row.pushed_at,
        expires_at=row.expires_at,
        person=None if row.person_id is None else PersonId(row.person_id),
        consent=None if row.consent_id is None else ConsentId(row.consent_id),
    )


def rebind(connection: Connection, before: ConsentId, now: ConsentId, *, event_id: EventId) -> None:
    """Let the request lead to another consent from now on, where it led to one."""
    connection.execute(
        update(pushed_request)
        .where(pushed_request.c.consent_id == before)
        .values(consent_id=now, audit_event_id=event_id)
    )
