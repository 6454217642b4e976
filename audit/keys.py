"""Log keys: random, one for each owner and year, kept wrapped; not the vault's keys.

Erasing a person's vault data must not blind her own log, and a year's entries must be able to
end without the rest: hence keys of their own, by person and period. Destroying a key (deleting
its row) leaves commitments that say nothing while every proof still holds.
"""

import hmac
import os
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from audit import store
from policies.ids import PersonId

INSTALLATION = "installation"
"""Owner of the keys for events about nobody."""


class KeyWrapper(Protocol):
    """Wraps keys under a key-encryption key that never leaves its provider."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """The key, sealed and bound to the context."""
        ...

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """The key again. Raises the provider's error when blob or context is not the one."""
        ...


def owner_of(person: PersonId) -> str:
    """The owner name of a person's log keys."""
    return f"person:{person}"


def period_of(moment: datetime) -> str:
    """The year, UTC: keys end year by year, as retention does."""
    return f"{moment.year:04d}"


def key_for(
    connection: Connection, wrapper: KeyWrapper, *, owner: str, period: str
) -> tuple[UUID, bytes]:
    """The owner's key for the period (id and 32 bytes), made on first use."""
    found = _find(connection, owner=owner, period=period)
    if found is None:
        _create(connection, wrapper, owner=owner, period=period)
        found = _find(connection, owner=owner, period=period)
        if found is None:
            raise RuntimeError("a log key vanished inside its own transaction")
    key_id, wrapped = found
    return key_id, wrapper.unwrap(wrapped, _context(key_id))


def key_by_id(connection: Connection, wrapper: KeyWrapper, key_id: UUID) -> bytes | None:
    """A key by its id, None when it has been destroyed."""
    query = select(store.log_key.c.wrapped).where(store.log_key.c.key_id == key_id)
    wrapped = connection.execute(query).scalar_one_or_none()
    return None if wrapped is None else wrapper.unwrap(wrapped, _context(key_id))


def event_key(key: bytes, event_id: UUID) -> bytes:
    """The key of one event, 32 bytes."""
    return hmac.digest(key, b"consent-vault/event-key/v1\x00" + event_id.bytes, "sha256")


def _find(connection: Connection, *, owner: str, period: str) -> tuple[UUID, bytes] | None:
    table = store.log_key
    query = select(table.c.key_id, table.c.wrapped).where(
        table.c.owner == owner, table.c.period == period
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (row.key_id, row.wrapped)


def _create(connection: Connection, wrapper: KeyWrapper, *, owner: str, period: str) -> None:
    # Two transactions may meet here for the same owner; the second one takes the first one's key.
    key_id = uuid4()
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    wrapped = wrapper.wrap(os.urandom(32), _context(key_id))
    row = {"key_id": key_id, "owner": owner, "period": period, "wrapped": wrapped}
    connection.execute(dialect.insert(store.log_key).values(row).on_conflict_do_nothing())


def _context(key_id: UUID) -> bytes:
    return b"consent-vault/log-key/v1\x00" + key_id.bytes
