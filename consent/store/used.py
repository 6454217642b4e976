"""Rows of what has been used once."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from audit.prepared import PreparedInsert
from consent.store.sweeping import sweep, sweeps
from consent.store.tables import used

Use = tuple[str, str, datetime]
"""What it is, the value, and until when the use must be remembered."""

_INSERT = {
    "sqlite": PreparedInsert(sqlite.insert(used).on_conflict_do_nothing()),
    "postgresql": PreparedInsert(postgresql.insert(used).on_conflict_do_nothing()),
}


def add(connection: Connection, uses: Sequence[Use], *, now: datetime) -> list[bool]:
    """Note the values as used; False for each that was before. Of two at once one gets True."""
    rows = [
        {"scope": scope, "value_digest": _digest(value), "expires_at": expires_at}
        for scope, value, expires_at in uses
    ]
    if any(sweeps(_digest(value)) for _, value, _ in uses):
        connection.execute(sweep(used, used.c.expires_at <= now))
    return _INSERT[connection.dialect.name].run_each(connection, rows)


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
