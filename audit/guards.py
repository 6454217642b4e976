"""Whether the guards of insert-only tables stand: triggers that are there, awake and ours.

Whoever owns the database can take them away for a moment. What that moment was used for is found
by the verifier and the completeness check; that they are gone is found here.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Table

from audit.insert_only import (
    FUNCTION,
    FUNCTION_BODY,
    Growth,
    Guard,
    function_ddl,
    growth_of,
    guards_of,
    inherited_guard,
    truncate_guard,
)
from audit.store import guards as store

_ROW, _BEFORE, _DELETE, _UPDATE, _TRUNCATE = 1, 2, 8, 16, 32
_KIND_BY_GROWTH = {
    Growth.INSERT_ONLY: _ROW | _BEFORE | _UPDATE | _DELETE,
    Growth.NEVER_UPDATED: _ROW | _BEFORE | _UPDATE,
}
_KIND_OF_TRUNCATE = _BEFORE | _TRUNCATE


class Fault(StrEnum):
    """How a guard fails."""

    MISSING = "missing"
    ASLEEP = "asleep"
    """Disabled, or enabled in a way that `session_replication_role` puts to sleep."""
    CHANGED = "changed"
    """It does something else than refuse."""


@dataclass(frozen=True, slots=True)
class WeakGuard:
    """A guard that does not hold."""

    guard: Guard
    fault: Fault


def weak_guards(connection: Connection, tables: Iterable[Table]) -> list[WeakGuard]:
    """The guards of these tables that do not hold, in a fixed order."""
    judge = _on_sqlite if connection.dialect.name == "sqlite" else _on_postgresql
    return sorted(judge(connection, list(tables)), key=lambda weak: weak.guard.name)


def restore_guards(connection: Connection, tables: Collection[Table]) -> list[WeakGuard]:
    """Make anew what does not hold, as the owner of the tables; gives what did not."""
    weak = weak_guards(connection, tables)
    dialect = connection.dialect.name
    place = "" if dialect == "sqlite" else " ON {0}"
    for statement in function_ddl(dialect) if weak else []:
        connection.exec_driver_sql(statement)
    for each in weak:
        if not each.guard.inherited:
            drop = f"DROP TRIGGER IF EXISTS {each.guard.name}" + place.format(each.guard.table)
            connection.exec_driver_sql(drop)
        for statement in each.guard.statements:
            connection.exec_driver_sql(statement)
    return weak


def _on_sqlite(connection: Connection, tables: list[Table]) -> Iterable[WeakGuard]:
    standing = store.sqlite_triggers(connection)
    for guard in (guard for table in tables for guard in guards_of(table, "sqlite")):
        found = standing.get((guard.table, guard.name))
        if found is None:
            yield WeakGuard(guard, Fault.MISSING)
        elif found != guard.statements[0]:
            yield WeakGuard(guard, Fault.CHANGED)


def _on_postgresql(connection: Connection, tables: list[Table]) -> Iterable[WeakGuard]:
    standing = store.postgresql_triggers(connection)
    told = set()
    for guard, kind in _expected(connection, tables):
        fault = _fault(standing.get((guard.table, guard.name)), kind)
        # What is wrong with a table's guard is wrong in each partition: it is told once.
        if fault is not None and not (guard.inherited and guard.name in told):
            told.add(guard.name)
            yield WeakGuard(guard, fault)


def _expected(connection: Connection, tables: list[Table]) -> Iterable[tuple[Guard, int]]:
    """Each guard with its kind, a table's before those of its partitions; they need their own
    against TRUNCATE, and what they have from the table can sleep in one of them alone."""
    parts = store.partitions(connection)
    for table in tables:
        growth = growth_of(table)
        for guard in guards_of(table, "postgresql"):
            truncates = guard == truncate_guard(table.name)
            yield guard, _KIND_OF_TRUNCATE if truncates else _KIND_BY_GROWTH[growth]
        for child in (child for parent, child in parts if parent == table.name):
            if growth is not Growth.FREE:
                yield truncate_guard(child), _KIND_OF_TRUNCATE
                yield inherited_guard(table, child), _KIND_BY_GROWTH[growth]


def _fault(found: store.PostgresqlTrigger | None, kind: int) -> Fault | None:
    if found is None:
        return Fault.MISSING
    if not found.always:
        return Fault.ASLEEP
    as_made = (found.kind, found.function, found.body) == (kind, FUNCTION, FUNCTION_BODY)
    return None if as_made else Fault.CHANGED
