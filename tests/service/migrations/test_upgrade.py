"""Migrations: from nothing to the tables that the rooms declare, once, on both databases."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate.api import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from audit.database import open_engine
from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import Ledger, begin
from service.migrations.tables import ROOMS, is_in_model
from service.migrations.upgrade import current, head, upgrade
from tests.schema import create_tables
from tests.wrapping import MemoryWrapper

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def migrated(empty_engine: Engine) -> Engine:
    upgrade(empty_engine)
    return empty_engine


def test_an_empty_database_comes_to_the_newest_revision(empty_engine: Engine) -> None:
    with empty_engine.connect() as connection:
        assert current(connection) is None
    assert upgrade(empty_engine)
    with empty_engine.connect() as connection:
        assert current(connection) == head()


def test_a_second_upgrade_changes_nothing(migrated: Engine) -> None:
    before = inspect(migrated).get_table_names()
    assert not upgrade(migrated)
    assert inspect(migrated).get_table_names() == before


def test_the_migrated_tables_are_those_that_the_rooms_declare(migrated: Engine) -> None:
    declared = MetaData()
    for table in (table for room in ROOMS for table in room.sorted_tables):
        table.to_metadata(declared)
    with migrated.connect() as connection:
        opts = {"compare_type": True, "include_object": is_in_model(connection)}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, declared) == []


def test_tables_that_only_grow_are_the_same_as_those_that_the_rooms_make(tmp_path: Path) -> None:
    made, migrated = (open_engine(f"sqlite:///{tmp_path / name}") for name in ("a.db", "b.db"))
    create_tables(made)
    upgrade(migrated)
    assert _triggers(made) == _triggers(migrated) != set()


@pytest.mark.parametrize("statement", ["DELETE FROM audit_event", "UPDATE audit_event SET at = at"])
def test_an_event_in_a_migrated_database_can_be_neither_changed_nor_removed(
    migrated: Engine, statement: str
) -> None:
    with begin(Ledger(migrated, MemoryWrapper()), actor=SYSTEM, now=NOW) as uow:
        uow.record(Event(kind=Kind.SIGNED_IN))
    with migrated.connect() as connection, pytest.raises(DBAPIError, match="insert-only"):
        connection.execute(text(statement))


def _triggers(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        return set(connection.execute(text(query)).scalars())
