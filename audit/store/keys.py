"""SQL on the log keys. The look-up is on the path of every event, so it goes to the driver."""

import sqlite3
from collections.abc import Collection
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, delete, insert, select

from audit.store.events import EventNotWrittenError
from audit.store.tables import log_key

_FIND = (
    "SELECT key_id, wrapped FROM audit_key WHERE owner = {0} AND period = {0} "
    "ORDER BY key_id LIMIT 1"
)
_FIND_SQLITE = _FIND.format("?")
_FIND_POSTGRESQL = _FIND.format("%s")


def find_key(connection: Connection, *, owner: str, period: str) -> tuple[UUID, bytes] | None:
    """Id and wrapped bytes of an owner's key for the period: the one of the lowest id, where
    there are several. Raises EventNotWrittenError."""
    driver: Any = connection.connection.driver_connection
    sqlite_ = connection.dialect.name == "sqlite"
    query = _FIND_SQLITE if sqlite_ else _FIND_POSTGRESQL
    try:
        row = driver.execute(query, (owner, period)).fetchone()
    except (sqlite3.Error, psycopg.Error) as error:
        raise EventNotWrittenError from error
    if row is None:
        return None
    return (UUID(row[0]) if sqlite_ else row[0]), row[1]


def insert_key(
    connection: Connection, *, key_id: UUID, owner: str, period: str, wrapped: bytes
) -> None:
    """Insert a key; it waits for nobody."""
    row = {"key_id": key_id, "owner": owner, "period": period, "wrapped": wrapped}
    connection.execute(insert(log_key).values(row))


def keys_by_id(connection: Connection, key_ids: Collection[UUID]) -> dict[UUID, tuple[str, bytes]]:
    """Owner and wrapped bytes by key id; a destroyed key is absent."""
    query = select(log_key.c.key_id, log_key.c.owner, log_key.c.wrapped).where(
        log_key.c.key_id.in_(key_ids)
    )
    return {row.key_id: (row.owner, row.wrapped) for row in connection.execute(query)}


def delete_keys(connection: Connection, *, owner: str, period: str) -> int:
    """Destroy the owner's keys for the period; gives how many there were."""
    at = (log_key.c.owner == owner) & (log_key.c.period == period)
    return connection.execute(delete(log_key).where(at)).rowcount
