"""Deleting what the way in remembered, once its time is over."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, delete, select, tuple_

from service.store.tables import idempotency_key, session, sign_in, used_form

BATCH = 1_000
"""Rows of a table that one transaction deletes at most."""


def sweep(
    connection: Connection, now: datetime, *, sessions_kept: timedelta, forms_kept: timedelta
) -> dict[str, int]:
    """How many rows went, by table; at most a batch of each.

    Sign-ins go at their end, when nothing may come back for them. Sessions go a while after theirs,
    and used forms when a form of that age is refused as too old.
    """
    over: dict[str, tuple[Table, ColumnElement[bool]]] = {
        "sessions": (session, session.c.ends_at <= now - sessions_kept),
        "sign-ins": (sign_in, sign_in.c.ends_at <= now),
        "used-forms": (used_form, used_form.c.used_at <= now - forms_kept),
        "idempotency-keys": (idempotency_key, idempotency_key.c.expires_at <= now),
    }
    return {name: _delete(connection, table, which) for name, (table, which) in over.items()}


def _delete(connection: Connection, table: Table, over: ColumnElement[bool]) -> int:
    """Rows that are locked elsewhere are left for the next time, so that nobody waits."""
    key = list(table.primary_key.columns)
    rows = select(*key).where(over).limit(BATCH).with_for_update(skip_locked=True)
    return connection.execute(delete(table).where(tuple_(*key).in_(rows))).rowcount
