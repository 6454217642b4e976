"""Every revision with rows in all of its tables comes to the newest one, and no row is lost.

The rows are made from the columns that the database itself tells of: the model of an old revision
stands nowhere any more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Uuid,
    event,
    insert,
    select,
)
from sqlalchemy.types import TypeEngine

from audit.database import open_engine
from audit.store.guards import partitions
from service.migrations import row_security
from service.migrations.guards import weak
from service.migrations.upgrade import _config, current, head, upgrade
from tests.postgres import schema_of_its_own

REVISIONS = [each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()][
    ::-1
]
NOT_OURS = {"alembic_version"}
_ID = UUID(int=7)
Rows = dict[str, dict[str, Any]]


@contextmanager
def database(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Engine]:
    if kind == "sqlite":
        engine = open_engine(f"sqlite:///{folder / 'vault.db'}")
        yield engine
        engine.dispose()
        return
    with schema_of_its_own(request.getfixturevalue("postgresql_url")) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_revision_with_rows_comes_to_the_newest(
    kind: str, revision: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with database(kind, request, tmp_path) as engine:
        with engine.begin() as connection:
            _bring_to(connection, revision)
            _fill(connection)
            before = _rows(connection)
        assert before
        assert upgrade(engine) is (revision != head())
        with engine.connect() as connection:
            assert current(connection) == head()
            after = _rows(connection)
            assert weak(connection) == []
            assert row_security.missing(connection) == []
        _assert_kept(before, after)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_upgrade_that_fails_leaves_everything_as_it_was(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with database(kind, request, tmp_path) as engine:
        with engine.begin() as connection:
            _bring_to(connection, REVISIONS[0])
            _fill(connection)
            before = _rows(connection)

        def fail(_: object, __: object, statement: str, *___: object) -> None:
            if "audit_head" in statement:
                raise RuntimeError("the power goes out here")

        event.listen(engine, "before_cursor_execute", fail)
        with pytest.raises(RuntimeError, match="power"):
            upgrade(engine)
        event.remove(engine, "before_cursor_execute", fail)
        with engine.connect() as connection:
            assert current(connection) == REVISIONS[0]
            assert _rows(connection) == before
        assert upgrade(engine)


def _bring_to(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _tables(connection: Connection) -> list[Table]:
    model = MetaData()
    model.reflect(connection)
    sqlite = connection.dialect.name == "sqlite"
    parts = set() if sqlite else {child for _, child in partitions(connection)}
    return [each for each in model.sorted_tables if each.name not in parts | NOT_OURS]


def _fill(connection: Connection) -> None:
    """The same value in all columns of a type, so that a row finds the row it refers to."""
    for table in _tables(connection):
        row = {column.name: _value(column.type, column) for column in table.columns}
        connection.execute(insert(table).values(row))


def _value(kind: TypeEngine[Any], column: Column[Any]) -> Any:
    length = getattr(kind, "length", None)
    if isinstance(kind, Uuid):
        return _ID
    if isinstance(kind, DateTime):
        return datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    if isinstance(kind, Date):
        return date(2026, 11, 24)
    if isinstance(kind, LargeBinary):
        return b"1" * (length or 32)
    if isinstance(kind, Boolean):
        return True
    if isinstance(kind, BigInteger | SmallInteger) or "INT" in str(kind).upper():
        return 1
    if column.name == "log":  # partitions are cut by it, so that it must be one
        return "2026h1"
    return _ID.hex if length == 32 and column.name.endswith("_id") else "w"


def _rows(connection: Connection) -> Rows:
    """The one row of each table, by name; a table without rows is absent."""
    found: Rows = {}
    for table in _tables(connection):
        row = connection.execute(select(table)).mappings().first()
        if row is not None:
            found[table.name] = dict(row)
    return found


def _assert_kept(before: Rows, after: Rows) -> None:
    for name, row in before.items():
        assert name in after, f"{name} has lost its row"
        same = {column: after[name][column] for column in row if column in after[name]}
        assert same == {column: row[column] for column in same}, name
