"""Whether a transaction has changed rows: asked before a commit that no event explains.

SQLite counts every changed row itself, whoever changed it and how. On PostgreSQL the command tag
of each statement says it, and a WITH that hides INSERT, UPDATE, DELETE or MERGE behind a SELECT
counts when the transaction has a number of its own, which the server gives at the first write.
"""

import re
from typing import Any

from sqlalchemy import Connection, Engine, event

_CHANGED = "consent_vault_changed"
_SUSPECT = "consent_vault_suspect"

_WORDS = {"INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "TRUNCATE"}
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
_HIDDEN = re.compile(
    r"\bAS\s+(?:(?:NOT\s+)?MATERIALIZED\s+)?\(\s*(?:INSERT|UPDATE|DELETE|MERGE|WITH)\b",
    re.IGNORECASE,
)


def watch(engine: Engine) -> None:
    """Have the engine's connections note what their statements change."""
    if engine.dialect.name != "sqlite":
        event.listen(engine, "after_cursor_execute", _note)


def forget(connection: Connection) -> None:
    """Start to count at a transaction's beginning."""
    if connection.dialect.name == "sqlite":
        connection.info[_CHANGED] = _driver(connection).total_changes
    else:
        connection.info[_CHANGED] = connection.info[_SUSPECT] = False


def changed(connection: Connection) -> bool:
    """True when rows have changed since `forget`."""
    if connection.dialect.name == "sqlite":
        return bool(_driver(connection).total_changes != connection.info[_CHANGED])
    if connection.info[_CHANGED] or not connection.info[_SUSPECT]:
        return bool(connection.info[_CHANGED])
    number = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"
    return bool(connection.exec_driver_sql(number).scalar_one())


def note_at_driver(connection: Connection, tag: str, count: int) -> None:
    """Note what a statement changed that was run past SQLAlchemy, as `audit.prepared` does."""
    if connection.dialect.name != "sqlite" and _counts(tag, count):
        connection.info[_CHANGED] = True


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _note(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
    if _counts(cursor.statusmessage or "", cursor.rowcount):
        connection.info[_CHANGED] = True
    elif "(" in statement and _HIDDEN.search(_QUOTED.sub(" ", statement)):
        connection.info[_SUSPECT] = True


def _counts(tag: str, count: int) -> bool:
    word = tag.partition(" ")[0]
    return word in _WORDS and (count > 0 or word == "TRUNCATE")
