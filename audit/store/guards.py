"""Which guards of insert-only tables stand in the database, from its own catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

_SQLITE = text("SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'trigger'")
_POSTGRESQL = text(
    """\
SELECT c.relname, t.tgname, t.tgenabled = 'A' AS always, t.tgtype, p.proname, p.prosrc
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid
JOIN pg_proc p ON p.oid = t.tgfoid
WHERE c.relnamespace = current_schema()::regnamespace
  AND t.tgqual IS NULL AND t.tgattr::text = ''"""
)
_PARTITIONS = text(
    """\
SELECT parent.relname AS parent, child.relname AS child
FROM pg_class parent, pg_partition_tree(parent.oid) tree
JOIN pg_class child ON child.oid = tree.relid
WHERE parent.relnamespace = current_schema()::regnamespace AND parent.relkind = 'p'
  AND tree.level > 0"""
)


@dataclass(frozen=True, slots=True)
class PostgresqlTrigger:
    """A trigger on every row and column, as PostgreSQL knows it."""

    always: bool
    kind: int
    """Bits of `pg_trigger.tgtype`."""
    function: str
    body: str


def sqlite_triggers(connection: Connection) -> dict[tuple[str, str], str]:
    """The text of each trigger by table and name."""
    return {(row.tbl_name, row.name): row.sql for row in connection.execute(_SQLITE)}


def postgresql_triggers(connection: Connection) -> dict[tuple[str, str], PostgresqlTrigger]:
    """Each trigger of the schema by table and name."""
    return {
        (row.relname, row.tgname): PostgresqlTrigger(
            row.always, row.tgtype, row.proname, row.prosrc
        )
        for row in connection.execute(_POSTGRESQL)
    }


def partitions(connection: Connection) -> Sequence[tuple[str, str]]:
    """Partitioned tables of the schema, each with the name of each of its partitions."""
    return [(row.parent, row.child) for row in connection.execute(_PARTITIONS)]
