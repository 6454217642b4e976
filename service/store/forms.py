"""Rows of forms that have had their effect."""

from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from policies.ids import SessionId
from service.store.tables import used_form as table


def claim(connection: Connection, form_hash: bytes, *, session: SessionId, now: datetime) -> bool:
    """Take the form for this transaction; False when it has been used.

    On PostgreSQL the second of two at once waits here until the first has ended.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"form_hash": form_hash, "session_id": session, "outcome": "", "used_at": now}
    statement = dialect.insert(table).values(row).on_conflict_do_nothing()
    claimed = connection.execute(statement.returning(table.c.form_hash))
    return claimed.one_or_none() is not None


def settle(connection: Connection, form_hash: bytes, outcome: str) -> None:
    statement = update(table).where(table.c.form_hash == form_hash).values(outcome=outcome)
    connection.execute(statement)


def outcome(connection: Connection, form_hash: bytes) -> str | None:
    """The page that shows what a used form did; None for one that was not used."""
    query = select(table.c.outcome).where(table.c.form_hash == form_hash)
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found
