"""Rows of requests that were done once and may come again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, text

from policies.ids import ClientId, EventId
from service.store.tables import idempotency_key as table

_LOCK = text("SELECT pg_try_advisory_xact_lock(:number)")


@dataclass(frozen=True, slots=True)
class Done:
    """What was done under a key: the request's digest, and the event of its effect."""

    request: bytes
    event: EventId


def claim(connection: Connection, key: bytes) -> bool:
    """Take the key until the transaction ends; False while another one holds it.

    The lock is asked for by a statement of its own, so that the next one sees what its last holder
    has committed. SQLite has one writer at a time, who holds every key.
    """
    if connection.dialect.name == "sqlite":
        return True
    number = int.from_bytes(key[:8], "big", signed=True)
    claimed: bool = connection.execute(_LOCK, {"number": number}).scalar_one()
    return claimed


def find(connection: Connection, client: ClientId, key: bytes, *, now: datetime) -> Done | None:
    """What the client had done under the key, unless its time is over."""
    query = select(table.c.request_digest, table.c.audit_event_id)
    mine = (table.c.client_id == client, table.c.key_digest == key)
    row = connection.execute(query.where(*mine, table.c.expires_at > now)).one_or_none()
    return None if row is None else Done(row.request_digest, EventId(row.audit_event_id))


def add(
    connection: Connection, client: ClientId, key: bytes, done: Done, *, expires_at: datetime
) -> None:
    """Write down what was done; a row of this key, if there is one, has had its time."""
    mine = (table.c.client_id == client, table.c.key_digest == key)
    connection.execute(delete(table).where(*mine))
    connection.execute(
        insert(table).values(
            client_id=client,
            key_digest=key,
            request_digest=done.request,
            expires_at=expires_at,
            audit_event_id=done.event,
        )
    )
