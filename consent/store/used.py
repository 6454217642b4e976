"""Rows of what has been used once."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from consent.store.sweeping import sweep, sweeps
from consent.store.tables import used

_INSERT = {
    "sqlite": sqlite.insert(used).on_conflict_do_nothing().returning(used.c.scope),
    "postgresql": postgresql.insert(used).on_conflict_do_nothing().returning(used.c.scope),
}


def add(
    connection: Connection, *, scope: str, value: str, now: datetime, expires_at: datetime
) -> bool:
    """Note the value as used; False when it was before. Of two at once one gets True."""
    digest = hashlib.sha256(value.encode()).digest()
    row = {"scope": scope, "value_digest": digest, "expires_at": expires_at}
    if sweeps(digest):
        connection.execute(sweep(used, used.c.expires_at <= now))
    # A row comes back only where one was inserted; the count of rows is not told by every driver.
    return connection.execute(_INSERT[connection.dialect.name], row).first() is not None
