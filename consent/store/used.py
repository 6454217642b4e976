"""Rows of what has been used once."""

import hashlib
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from audit.prepared import PreparedInsert
from consent.store.sweeping import sweep, sweeps
from consent.store.tables import used

_INSERT = {
    "sqlite": PreparedInsert(sqlite.insert(used).on_conflict_do_nothing()),
    "postgresql": PreparedInsert(postgresql.insert(used).on_conflict_do_nothing()),
}


def add(
    connection: Connection, *, scope: str, value: str, now: datetime, expires_at: datetime
) -> bool:
    """Note the value as used; False when it was before. Of two at once one gets True."""
    digest = hashlib.sha256(value.encode()).digest()
    row = {"scope": scope, "value_digest": digest, "expires_at": expires_at}
    if sweeps(digest):
        connection.execute(sweep(used, used.c.expires_at <= now))
    return _INSERT[connection.dialect.name].run(connection, row)
