"""SQL on the partitions of the log's two large tables, on PostgreSQL only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Table, UniqueConstraint, event, text

from audit.insert_only import ONLY, insert_only, truncate_guard

UNIQUE = {"audit_event": "event_id", "audit_leaf": "number"}
"""Partitioned tables, and what is unique in each partition beside the key.

PostgreSQL can hold unique across partitions only what contains the columns that it partitions by.
Event ids are random and have 128 bits, so two equal ones come by intent only; then both are in
the tree, and the verifier finds the id twice. That no number gets a second leaf is seen to by the
sequencer, under its lock, before it places a batch.
"""

_BOUNDS = text(
    """\
SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
JOIN pg_class p ON p.oid = i.inhparent
WHERE p.relname = :table AND p.relnamespace = current_schema()::regnamespace
ORDER BY length(c.relname), c.relname COLLATE "C" ASC"""
)
_OWNED = text(
    """\
SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class
WHERE relname IN ('audit_event', 'audit_leaf') AND relnamespace = current_schema()::regnamespace"""
)
_RANGE = re.compile(r"FOR VALUES FROM \((?P<start>.*)\) TO \((?P<end>.*)\)")


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition and the values it is for, from `start` up to and without `end`."""

    name: str
    start: tuple[str, ...]
    end: tuple[str, ...]


def partitioned(table: Table) -> Table:
    """An insert-only table whose net is made with it; the other partitions come with `tend`."""

    def make(_table: Table, connection: Connection, **_: object) -> None:
        if connection.dialect.name == "postgresql":
            add_default(connection, table.name)

    event.listen(insert_only(table), "after_create", make)
    return table


def unique_but_for_partitions(column: str) -> UniqueConstraint:
    """Unique in the whole table on SQLite; on PostgreSQL each partition has its own."""
    return UniqueConstraint(column, info={ONLY: "sqlite"}).ddl_if(dialect="sqlite")


def ranges(connection: Connection, table: str) -> list[Partition]:
    """The partitions with a range, by name; the default one is none of them."""
    found = connection.execute(_BOUNDS, {"table": table}).all()
    matched = [(row.name, _RANGE.fullmatch(row.bound)) for row in found]
    return [
        Partition(name, _values(match["start"]), _values(match["end"]))
        for name, match in matched
        if match is not None
    ]


def owned(connection: Connection) -> bool:
    """Whether we may make partitions: the service's own role may not."""
    return bool(connection.execute(_OWNED).scalar_one())


def hold_writers(connection: Connection, table: str) -> None:
    """Until the transaction ends. For a partition whose rows are being written into the net just
    now: a writer on its way there would be refused by the net the moment the partition is there.
    """
    connection.exec_driver_sql(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def add(connection: Connection, table: str, name: str, values: str) -> None:
    """Make a partition aside and attach it, which holds up no writer; PARTITION OF would."""
    connection.exec_driver_sql(
        f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
    )
    connection.exec_driver_sql(f"ALTER TABLE {name} ADD UNIQUE ({UNIQUE[table]})")
    connection.exec_driver_sql(f"ALTER TABLE {table} ATTACH PARTITION {name} {values}")
    for statement in truncate_guard(name).statements:
        connection.exec_driver_sql(statement)


def add_default(connection: Connection, table: str) -> None:
    """The net: what no other partition is for."""
    add(connection, table, f"{table}_default", "DEFAULT")


def turn_default_into(connection: Connection, table: str, name: str, values: str) -> None:
    """Make a partition of its own of the default one, with its rows, and a new empty net."""
    net = f"{table}_default"
    for statement in (
        f"ALTER TABLE {table} DETACH PARTITION {net}",
        f"DROP TRIGGER {net}_no_truncate ON {net}",
        f"ALTER TABLE {net} RENAME TO {name}",
        f"ALTER TABLE {table} ATTACH PARTITION {name} {values}",
        *truncate_guard(name).statements,
    ):
        connection.exec_driver_sql(statement)
    add_default(connection, table)


def spread_default_over(connection: Connection, table: str, parts: Mapping[str, str]) -> None:
    """Make several partitions of the default one, by name and values, and a new empty net."""
    net, old = f"{table}_default", f"{table}_spread"
    for statement in (
        f"ALTER TABLE {table} DETACH PARTITION {net}",
        f"ALTER TABLE {net} RENAME TO {old}",
    ):
        connection.exec_driver_sql(statement)
    for name, values in parts.items():
        add(connection, table, name, values)
    add_default(connection, table)
    connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM {old}")
    connection.exec_driver_sql(f"DROP TABLE {old}")


def detach(connection: Connection, table: str, name: str) -> None:
    """Take a partition out of its table; it stays as a table of its own."""
    connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {name}")


def ends_of_default_events(connection: Connection) -> int | None:
    """The highest number in the net, None when it is empty."""
    highest: int | None = connection.execute(
        text("SELECT max(number) FROM audit_event_default")
    ).scalar_one()
    return highest


def ends_of_default_leaves(connection: Connection) -> list[tuple[str, int]]:
    """The logs in the net, oldest first, with the highest index of each; none when it is empty."""
    rows = connection.execute(
        text(
            'SELECT log, max("index") AS highest FROM audit_leaf_default GROUP BY log ORDER BY log'
        )
    )
    return [(row.log, row.highest) for row in rows]


def _values(listed: str) -> tuple[str, ...]:
    return tuple(each.strip().strip("'") for each in listed.split(","))
