"""A database that breaks at a chosen place: triggers that raise, or that hold a statement up.

The program is left as it is; the database refuses what it is asked, as a full disk or a lost
connection would make it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, MetaData, select

OF_THE_BACKGROUND = (
    "audit_queue",
    "audit_leaf",
    "audit_tile",
    "audit_checkpoint",
    "audit_check",
    "audit_cosignature",
    "audit_timestamp",
    "audit_event_",
)
"""Beginnings of tables that change beside whatever a request does; the last one means partitions,
between which rows are moved."""


@dataclass(frozen=True, slots=True)
class Break:
    """Statements that break something and those that mend it, for each of the databases."""

    breaking: Mapping[str, tuple[str, ...]]
    mending: Mapping[str, tuple[str, ...]]

    @contextmanager
    def here(self, engine: Engine) -> Iterator[None]:
        """Broken inside the block."""
        _run(engine, self.breaking[engine.dialect.name])
        try:
            yield
        finally:
            self.mend(engine)

    def mend(self, engine: Engine) -> None:
        _run(engine, self.mending[engine.dialect.name])


def write_fails(table: str, change: str = "INSERT", *, kind: str | None = None) -> Break:
    """Every INSERT (or UPDATE) of the table raises, or those of one kind of event."""
    only = "" if kind is None else f"WHEN (NEW.kind = '{kind}') "
    return Break(
        {
            "sqlite": (
                (
                    f"CREATE TRIGGER broken BEFORE {change} ON {table} {only}"
                    "BEGIN SELECT RAISE(ABORT, 'broken'); END"
                ),
            ),
            "postgresql": (
                _function("RAISE EXCEPTION 'broken'"),
                (
                    f"CREATE TRIGGER broken BEFORE {change} ON {table} "
                    f"FOR EACH ROW {only}EXECUTE FUNCTION broken()"
                ),
            ),
        },
        _mending(table),
    )


def commit_fails() -> Break:
    """A transaction that recorded an event fails at its very end."""
    return Break(
        {
            "sqlite": (
                "CREATE TABLE broken_parent (id INTEGER PRIMARY KEY)",
                (
                    "CREATE TABLE broken_child (id INTEGER REFERENCES broken_parent "
                    "DEFERRABLE INITIALLY DEFERRED)"
                ),
                (
                    "CREATE TRIGGER broken AFTER INSERT ON audit_event "
                    "BEGIN INSERT INTO broken_child VALUES (1); END"
                ),
            ),
            "postgresql": (
                _function("RAISE EXCEPTION 'broken'"),
                (
                    "CREATE CONSTRAINT TRIGGER broken AFTER INSERT ON audit_event "
                    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION broken()"
                ),
            ),
        },
        {
            "sqlite": (
                "DROP TRIGGER broken",
                "DROP TABLE broken_child",
                "DROP TABLE broken_parent",
            ),
            "postgresql": _mending("audit_event")["postgresql"],
        },
    )


def held_up_after_the_event() -> Break:
    """Whoever records an event stands still after it, long enough to be killed there."""
    numbers = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)"
    endless = f"BEGIN SELECT (SELECT max(i) FROM ({numbers} SELECT i FROM n)); END"
    waiting = "FOR EACH ROW EXECUTE FUNCTION broken()"
    trigger = "CREATE TRIGGER broken AFTER INSERT ON audit_event"
    return Break(
        {
            "sqlite": (f"{trigger} {endless}",),
            "postgresql": (_function("PERFORM pg_sleep(2)"), f"{trigger} {waiting}"),
        },
        _mending("audit_event"),
    )


def contents(engine: Engine) -> dict[str, set[tuple[Any, ...]]]:
    """Every row of every table but those of the background."""
    metadata = MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection)
        return {
            name: {tuple(row) for row in connection.execute(select(table))}
            for name, table in metadata.tables.items()
            if not name.startswith(("broken", *OF_THE_BACKGROUND))
        }


def _function(body: str) -> str:
    return (
        "CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {body}; RETURN NEW; END $$"
    )


def _mending(table: str) -> dict[str, tuple[str, ...]]:
    return {
        "sqlite": ("DROP TRIGGER broken",),
        "postgresql": (f"DROP TRIGGER broken ON {table}", "DROP FUNCTION broken()"),
    }


def _run(engine: Engine, statements: tuple[str, ...]) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
