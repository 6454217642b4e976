"""Rows of what has been used once."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete
from sqlalchemy.dialects import postgresql, sqlite

from consent.store.tables import used


def add(connection: Connection, *, scope: str, value: str, expires_at: datetime) -> bool:
    """Note the value as used; False when it was before. Of two at once one gets True."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {
        "scope": scope,
        "value_digest": hashlib.sha256(value.encode()).digest(),
        "expires_at": expires_at,
    }
    inserted = connection.execute(dialect.insert(used).values(row).on_conflict_do_nothing())
    return inserted.rowcount == 1


def forget(connection: Connection, *, before: datetime) -> int:
    """Delete what could not be used any more anyway; how many there were."""
    return connection.execute(delete(used).where(used.c.expires_at <= before)).rowcount
