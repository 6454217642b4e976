"""Spreading what the vault keeps over partitions by person, on PostgreSQL: for very many people.

Every statement about a person names the person, so that it reaches one partition of each table; and
the same key spreads them over the servers of a distributed PostgreSQL (Citus). What is read in
order to learn who is meant (`row_security.INDEX`) stays whole: it is found by something else. The
rooms of consents and of the service stay whole too: their rows are found by consents, tokens and
sessions, and do not grow with what is kept.
"""

from sqlalchemy import Connection, MetaData, Table, text
from sqlalchemy.schema import CreateIndex, CreateTable

from audit.insert_only import ONLY
from audit.store.guards import partitions
from service.migrations import guards, row_security
from service.migrations.guards import TABLES
from service.migrations.row_security import INDEX, PERSON

MOST_PARTS = 1024
_WHOLE = "_whole"
_GRANTED = text(
    """\
SELECT grantee, string_agg(privilege_type, ', ') AS rights
FROM information_schema.role_table_grants
WHERE table_schema = current_schema() AND table_name = :table AND grantee <> current_user
GROUP BY grantee"""
)


class SpreadError(ValueError):
    """The tables cannot be spread; `repair` says what can be done."""

    def __init__(self, reason: str, repair: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.repair = repair


def spread_tables() -> list[Table]:
    """The tables that can be spread by person, those first that others refer to."""
    carry = [each for each in TABLES if PERSON in each.columns]
    return [each for each in carry if each.name.startswith("vault_") and each.name not in INDEX]


def spread(connection: Connection, parts: int) -> list[str]:
    """Spread the tables that are not yet over so many partitions, with all of their rows, as their
    owner and in one transaction; gives their names. Nobody else can use them meanwhile.

    Raises SpreadError.
    """
    if connection.dialect.name != "postgresql":
        raise SpreadError("SQLite has no partitions", "move to PostgreSQL (docs/operator.md)")
    if not 2 <= parts <= MOST_PARTS:
        raise SpreadError(f"{parts} is no number of parts", f"name 2 to {MOST_PARTS}")
    spread_before = {parent for parent, _ in partitions(connection)}
    tables = [each for each in spread_tables() if each.name not in spread_before]
    if tables and len(tables) < len(spread_tables()):
        tables = [each for each in tables if not each.foreign_keys]  # else to whole tables
    for table in reversed(tables):
        _set_aside(connection, table)
    for made in _in_parts(tables):
        _make(connection, made, parts)
    for table in reversed(tables):
        connection.exec_driver_sql(f"DROP TABLE {table.name}{_WHOLE}")
    guards.restore(connection)
    row_security.restore(connection)
    return [each.name for each in tables]


def _set_aside(connection: Connection, table: Table) -> None:
    """Under another name, so that the new one can have its names."""
    connection.exec_driver_sql(f"ALTER TABLE {table.name} RENAME TO {table.name}{_WHOLE}")
    for index in table.indexes:
        connection.exec_driver_sql(f"ALTER INDEX {index.name} RENAME TO {index.name}{_WHOLE}")


def _in_parts(tables: list[Table]) -> list[Table]:
    """The same tables, cut by person."""
    model = MetaData()
    made = [each.to_metadata(model) for each in tables]
    for table in made:
        for of_sqlite in [c for c in table.constraints if c.info.get(ONLY) == "sqlite"]:
            table.constraints.remove(of_sqlite)  # a copy forgets that it is for one dialect
        table.dialect_options["postgresql"]["partition_by"] = f"HASH ({PERSON})"
    return made


def _make(connection: Connection, table: Table, parts: int) -> None:
    """The table with its partitions, its rows and the rights on it."""
    name = table.name
    connection.execute(CreateTable(table))
    for part in range(parts):
        connection.exec_driver_sql(
            f"CREATE TABLE {name}_p{part} PARTITION OF {name}"
            f" FOR VALUES WITH (MODULUS {parts}, REMAINDER {part})"
        )
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    connection.exec_driver_sql(
        f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name}{_WHOLE}"
    )
    for index in table.indexes:
        connection.execute(CreateIndex(index))
    quote = connection.dialect.identifier_preparer.quote
    for row in connection.execute(_GRANTED, {"table": name + _WHOLE}).all():
        connection.exec_driver_sql(f"GRANT {row.rights} ON {name} TO {quote(row.grantee)}")
