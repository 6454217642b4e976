"""Tables that only grow: triggers that refuse UPDATE, DELETE and TRUNCATE, and the role's rights.

The triggers guard against accidents and hold for the owner too (ENABLE ALWAYS, since a plain
trigger sleeps under `session_replication_role = replica`). The application's role has no right
to change or delete. Against an operator with all rights only witnesses and receipts help.
"""

from collections.abc import Collection, Iterable

from sqlalchemy import DDL, Table, event
from sqlalchemy.schema import ExecutableDDLElement

_FUNCTION = "consent_vault_refuse_change"
_CREATE_FUNCTION = f"""\
CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'restrict_violation',
        MESSAGE = TG_TABLE_NAME || ' is insert-only';
END $$"""


def insert_only_ddl(table: str, dialect: str) -> list[str]:
    """The statements that make a table insert-only, for `create_all` and migrations alike."""
    return _on_postgresql(table) if dialect == "postgresql" else _on_sqlite(table)


def insert_only(table: Table) -> Table:
    """Have the triggers made whenever the table is created; gives the table again."""
    for dialect in ("sqlite", "postgresql"):
        for statement in insert_only_ddl(table.name, dialect):
            ddl: ExecutableDDLElement = DDL(statement)  # type: ignore[no-untyped-call]  # SQLAlchemy
            event.listen(table, "after_create", ddl.execute_if(dialect=dialect))
    return table


def grants(
    role: str, *, insert_only: Iterable[str], deletable: Iterable[str], sequences: Iterable[str]
) -> list[str]:
    """PostgreSQL rights of the application's role: nothing may be updated here by anybody."""
    return [
        *_grant("SELECT, INSERT", "TABLE", insert_only, role),
        *_grant("SELECT, INSERT, DELETE", "TABLE", deletable, role),
        *_grant("USAGE", "SEQUENCE", sequences, role),
    ]


def _grant(rights: str, what: str, names: Iterable[str], role: str) -> Collection[str]:
    return [
        statement
        for name in names
        for statement in (
            f"REVOKE ALL ON {what} {name} FROM {role}",
            f"GRANT {rights} ON {what} {name} TO {role}",
        )
    ]


def _on_sqlite(table: str) -> list[str]:
    # INSERT OR REPLACE deletes without asking the trigger, unless recursive_triggers is on:
    # audit.database sets it on every connection.
    return [
        f"CREATE TRIGGER {table}_no_{change} BEFORE {change.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
        for change in ("update", "delete")
    ]


def _on_postgresql(table: str) -> list[str]:
    # Row triggers are handed down to partitions, statement triggers are not.
    refuse = f"EXECUTE FUNCTION {_FUNCTION}()"
    change, truncate = f"{table}_no_change", f"{table}_no_truncate"
    rows = f"BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW"
    return [
        _CREATE_FUNCTION,
        f"CREATE TRIGGER {change} {rows} {refuse}",
        f"CREATE TRIGGER {truncate} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {change}",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {truncate}",
    ]
