"""Tables that only grow: triggers that refuse UPDATE, DELETE and TRUNCATE, and the role's rights.

The triggers guard against accidents and hold for the owner too (ENABLE ALWAYS, since a plain
trigger sleeps under `session_replication_role = replica`). The application's role has no right
to change or delete. Against an operator with all rights only witnesses and receipts help.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest

from sqlalchemy import Connection, Index, Table, UniqueConstraint, event

FUNCTION = "consent_vault_refuse_change"
FUNCTION_BODY = """
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'restrict_violation',
        MESSAGE = TG_TABLE_NAME || ' is insert-only';
END """
_CREATE_FUNCTION = f"""\
CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $${FUNCTION_BODY}$$"""
_GROWTH = "consent_vault_growth"
ONLY = "only"
"""Under this name a constraint's `info` says for which dialect it is."""


class Growth(Enum):
    """What may happen to a table's rows; the value is what the application's role may do."""

    INSERT_ONLY = "SELECT, INSERT"
    """Written once and kept."""
    NEVER_UPDATED = "SELECT, INSERT, DELETE"
    """Written once, and kept until they are erased."""
    FREE = "SELECT, INSERT, UPDATE, DELETE"
    """Rows that stand for how things are now."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One trigger that guards a table, and the statements that make it."""

    table: str
    name: str
    statements: tuple[str, ...]
    inherited: bool = False
    """Whether it is there because a table has it that this one is a partition of."""


def insert_only(table: Table) -> Table:
    """Have the guards made whenever the table is created; gives the table again."""
    return _guarded(table, Growth.INSERT_ONLY)


def never_updated(table: Table) -> Table:
    """The same for a table whose rows may be erased, and never changed."""
    return _guarded(table, Growth.NEVER_UPDATED)


def growth_of(table: Table) -> Growth:
    """What may happen to the table's rows."""
    growth: Growth = table.info.get(_GROWTH, Growth.FREE)
    return growth


def guards_of(table: Table, dialect: str) -> list[Guard]:
    """The guards that the table must have; none for a table whose rows may change."""
    growth = growth_of(table)
    if growth is Growth.FREE:
        return []
    if dialect == "postgresql":
        return [_postgresql_rows(table.name, growth), truncate_guard(table.name)]
    return [*_sqlite_changes(table.name, growth), _sqlite_replace(table)]


def insert_only_ddl(table: str, dialect: str) -> list[str]:
    """Statements that make a table insert-only, for the first migrations.

    `upgrade` (service.migrations) adds whatever guard a table still lacks.
    """
    guards = _sqlite_changes(table, Growth.INSERT_ONLY)
    if dialect == "postgresql":
        guards = [_postgresql_rows(table, Growth.INSERT_ONLY), truncate_guard(table)]
    steps = zip_longest(*(guard.statements for guard in guards))
    return [*function_ddl(dialect), *(each for step in steps for each in step if each)]


def truncate_guard(table: str) -> Guard:
    """Against TRUNCATE, on PostgreSQL. Row triggers are handed down to partitions; this one is
    not, so that each partition needs its own."""
    name = f"{table}_no_truncate"
    timing = f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
    return Guard(table, name, _always(table, name, timing))


def inherited_guard(table: Table, partition: str) -> Guard:
    """The table's guard of rows in one of its partitions, on PostgreSQL. It comes with the table's
    and goes with it, but it can be put to sleep in the partition alone."""
    name = f"{table.name}_no_change"
    awake = f"ALTER TABLE {partition} ENABLE ALWAYS TRIGGER {name}"
    return Guard(partition, name, (awake,), inherited=True)


def function_ddl(dialect: str) -> list[str]:
    """What the guards call, to be made before them."""
    return [_CREATE_FUNCTION] if dialect == "postgresql" else []


def grants(
    role: str,
    *,
    insert_only: Iterable[str],
    deletable: Iterable[str],
    sequences: Iterable[str],
    free: Iterable[str] = (),
) -> list[str]:
    """PostgreSQL rights of the application's role, table by table; all others are taken away."""
    return [
        *_grant(Growth.INSERT_ONLY.value, "TABLE", insert_only, role),
        *_grant(Growth.NEVER_UPDATED.value, "TABLE", deletable, role),
        *_grant(Growth.FREE.value, "TABLE", free, role),
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


def _guarded(table: Table, growth: Growth) -> Table:
    table.info[_GROWTH] = growth

    def make(_table: Table, connection: Connection, **_: object) -> None:
        dialect = connection.dialect.name
        guards = guards_of(table, dialect)
        statements = [each for guard in guards for each in guard.statements]
        for statement in (*function_ddl(dialect), *statements):
            connection.exec_driver_sql(statement)

    event.listen(table, "after_create", make)
    return table


def _postgresql_rows(table: str, growth: Growth) -> Guard:
    name = f"{table}_no_change"
    changes = "UPDATE" if growth is Growth.NEVER_UPDATED else "UPDATE OR DELETE"
    return Guard(table, name, _always(table, name, f"BEFORE {changes} ON {table} FOR EACH ROW"))


def _always(table: str, name: str, timing: str) -> tuple[str, ...]:
    return (
        f"CREATE TRIGGER {name} {timing} EXECUTE FUNCTION {FUNCTION}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
    )


def _sqlite_changes(table: str, growth: Growth) -> list[Guard]:
    changes = ("update",) if growth is Growth.NEVER_UPDATED else ("update", "delete")
    return [_sqlite(table, change, f"BEFORE {change.upper()} ON {table}") for change in changes]


def _sqlite_replace(table: Table) -> Guard:
    """Against INSERT OR REPLACE, which deletes the row in its way.

    The trigger on DELETE sees that only under `recursive_triggers`, which `audit.database` sets
    and another tool does not; and a table whose rows may be erased has no such trigger.
    """
    found = " OR ".join(_taken(table.name, columns) for columns in _keys(table))
    return _sqlite(table.name, "replace", f"BEFORE INSERT ON {table.name} WHEN {found}")


def _sqlite(table: str, change: str, timing: str) -> Guard:
    name = f"{table}_no_{change}"
    refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END"
    return Guard(table, name, (f"CREATE TRIGGER {name} {timing} {refusal}",))


def _keys(table: Table) -> list[list[str]]:
    """The columns of the primary key and of everything else that is unique."""
    unique = [
        each
        for each in table.constraints
        if isinstance(each, UniqueConstraint) and each.info.get(ONLY, "sqlite") == "sqlite"
    ]
    indexes: list[Index] = [each for each in table.indexes if each.unique]
    keys = [table.primary_key.columns, *(e.columns for e in unique), *(e.columns for e in indexes)]
    return sorted([column.name for column in columns] for columns in keys)


def _taken(table: str, columns: Sequence[str]) -> str:
    same = " AND ".join(f'"{column}" = NEW."{column}"' for column in columns)
    return f"EXISTS (SELECT 1 FROM {table} WHERE {same})"
