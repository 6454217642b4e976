"""Rows that were written stay as they are: each way in is tried, on both databases.

What the owner of the database can still do is tried as well, and must be found afterwards.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, Table, create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from audit.database import open_engine
from audit.guards import Fault
from audit.insert_only import Growth, growth_of
from service.migrations.guards import TABLES, weak
from service.migrations.rights import RoleError, give_rights
from service.migrations.upgrade import upgrade
from tests.postgres import schema_of_its_own
from tests.service.migrations.rows import fill

GUARDED = [table for table in TABLES if growth_of(table) is not Growth.FREE]
KEPT = [table for table in GUARDED if growth_of(table) is Growth.INSERT_ONLY]
each_guarded = pytest.mark.parametrize("table", GUARDED, ids=lambda t: t.name)
each_kept = pytest.mark.parametrize("table", KEPT, ids=lambda t: t.name)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One row in each table; every attempt is rolled back, so one database serves all."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('guards') / 'vault.db'}")
    yield from _filled(engine)


@pytest.fixture(scope="module")
def postgresql(postgresql_url: str) -> Iterator[Engine]:
    with schema_of_its_own(postgresql_url) as url:
        yield from _filled(open_engine(url))


def _filled(engine: Engine) -> Iterator[Engine]:
    upgrade(engine)
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.getfixturevalue(request.param)
    return engine


def refused(engine: Engine, *statements: str, because: str = "is insert-only") -> None:
    with engine.connect() as connection, connection.begin():
        for statement in statements[:-1]:
            connection.exec_driver_sql(statement)
        with pytest.raises(DBAPIError, match=because):
            connection.exec_driver_sql(statements[-1])
        connection.rollback()


def column(table: Table) -> str:
    """A column outside the key, where there is one."""
    names = [each.name for each in table.columns if not each.primary_key]
    return f'"{(names or [table.columns[0].name])[0]}"'


def key(table: Table) -> str:
    return ", ".join(f'"{each.name}"' for each in table.primary_key.columns)


def test_what_must_stay_is_guarded() -> None:
    assert {table.name for table in KEPT} >= {
        "audit_event",
        "audit_leaf",
        "audit_tile",
        "audit_checkpoint",
        "consent_purpose",
        "consent_record",
        "consent_receipt",
    }
    erased = {table.name for table in GUARDED} - {table.name for table in KEPT}
    assert erased == {
        "vault_deposit",
        "vault_erasure_statement",
        "vault_record_version",
        "vault_resealed",
    }


@each_guarded
def test_no_row_is_updated(filled: Engine, table: Table) -> None:
    refused(filled, f"UPDATE {table} SET {column(table)} = {column(table)}")


@each_guarded
def test_no_row_is_updated_by_a_second_insert(filled: Engine, table: Table) -> None:
    upsert = f"ON CONFLICT ({key(table)}) DO UPDATE SET {column(table)} = excluded.{column(table)}"
    refused(filled, f"INSERT INTO {table} SELECT * FROM {table} WHERE true {upsert}")


@each_kept
def test_no_row_is_deleted(filled: Engine, table: Table) -> None:
    refused(filled, f"DELETE FROM {table}")


def test_what_may_be_erased_can_be_deleted(filled: Engine) -> None:
    with filled.connect() as connection, connection.begin():
        assert connection.execute(text("DELETE FROM vault_record_version")).rowcount == 1
        assert connection.execute(text("DELETE FROM vault_deposit")).rowcount == 1
        connection.rollback()


def test_a_fresh_database_has_all_its_guards(filled: Engine) -> None:
    with filled.connect() as connection:
        assert weak(connection) == []


# On SQLite


@each_guarded
@pytest.mark.parametrize("recursive", ["ON", "OFF"])
def test_no_row_is_replaced(sqlite: Engine, table: Table, recursive: str) -> None:
    replace = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
    try:
        with sqlite.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA recursive_triggers={recursive}")
            for statement in (replace, replace.replace("INSERT OR REPLACE", "REPLACE")):
                with pytest.raises(DBAPIError, match="is insert-only"):
                    connection.exec_driver_sql(statement)
    finally:
        sqlite.dispose()  # the next connection has our settings again


@each_guarded
def test_no_row_is_pushed_out_by_an_update_of_another(sqlite: Engine, table: Table) -> None:
    refused(sqlite, f"UPDATE OR REPLACE {table} SET {column(table)} = {column(table)}")


@each_guarded
def test_the_guards_hold_in_another_tool(sqlite: Engine, table: Table) -> None:
    tool = sqlite3.connect(sqlite.url.database or "")
    for statement in (
        f"UPDATE {table} SET {column(table)} = {column(table)}",
        f"REPLACE INTO {table} SELECT * FROM {table}",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="is insert-only"):
            tool.execute(statement)
    tool.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Engine]:
    """A database file of its own, to be damaged as its owner can."""
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    yield from _filled(engine)


@contextmanager
def tool_of_the_owner(engine: Engine) -> Iterator[sqlite3.Connection]:
    tool = sqlite3.connect(engine.url.database or "", isolation_level=None)
    yield tool
    tool.close()


def faults(engine: Engine) -> dict[str, Fault]:
    with engine.connect() as connection:
        return {each.guard.name: each.fault for each in weak(connection)}


def test_a_dropped_trigger_is_found_and_an_upgrade_makes_it_again(file: Engine) -> None:
    with tool_of_the_owner(file) as tool:
        tool.execute("DROP TRIGGER audit_event_no_delete")
        tool.execute("DELETE FROM audit_event")
    assert faults(file) == {"audit_event_no_delete": Fault.MISSING}
    upgrade(file)
    assert faults(file) == {}


def test_a_trigger_taken_out_of_the_schema_table_is_found(file: Engine) -> None:
    with tool_of_the_owner(file) as tool:
        tool.execute("PRAGMA writable_schema=ON")
        tool.execute("DELETE FROM sqlite_master WHERE name = 'consent_record_no_update'")
        tool.execute("PRAGMA writable_schema=RESET")
    assert faults(file) == {"consent_record_no_update": Fault.MISSING}


def test_a_trigger_that_was_rewritten_is_found(file: Engine) -> None:
    with tool_of_the_owner(file) as tool:
        tool.execute("DROP TRIGGER audit_leaf_no_update")
        harmless = "BEFORE UPDATE ON audit_leaf BEGIN SELECT 1; END"
        tool.execute(f"CREATE TRIGGER audit_leaf_no_update {harmless}")
    assert faults(file) == {"audit_leaf_no_update": Fault.CHANGED}


# On PostgreSQL, as the owner


@each_guarded
def test_no_table_is_emptied_at_once(postgresql: Engine, table: Table) -> None:
    refused(postgresql, f"TRUNCATE {table} CASCADE")


@each_guarded
@pytest.mark.parametrize("change", ["UPDATE {0} SET {1} = {1}", "TRUNCATE {0} CASCADE"])
def test_the_guards_do_not_sleep_for_a_replica(
    postgresql: Engine, table: Table, change: str
) -> None:
    asleep = "SET LOCAL session_replication_role = replica"
    refused(postgresql, asleep, change.format(table, column(table)))


@each_guarded
def test_no_row_is_changed_by_a_merge(postgresql: Engine, table: Table) -> None:
    first = f'"{table.columns[0].name}"'
    on = f"USING {table} s ON t.{first} = s.{first}"
    then = f"WHEN MATCHED THEN UPDATE SET {column(table)} = s.{column(table)}"
    refused(postgresql, f"MERGE INTO {table} t {on} {then}")


@pytest.mark.parametrize(
    ("statement", "guard", "fault"),
    [
        ("ALTER TABLE audit_event DISABLE TRIGGER audit_event_no_change", "audit_event_no_change",
         Fault.ASLEEP),
        ("ALTER TABLE audit_event ENABLE TRIGGER audit_event_no_change", "audit_event_no_change",
         Fault.ASLEEP),
        ("DROP TRIGGER audit_leaf_no_truncate ON audit_leaf", "audit_leaf_no_truncate",
         Fault.MISSING),
        (("DROP TRIGGER audit_leaf_no_change ON audit_leaf; CREATE TRIGGER audit_leaf_no_change"
         " BEFORE UPDATE ON audit_leaf FOR EACH ROW EXECUTE FUNCTION consent_vault_refuse_change();"
         " ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER audit_leaf_no_change"),
         "audit_leaf_no_change", Fault.CHANGED),
        (("DROP TRIGGER audit_leaf_no_change ON audit_leaf; CREATE TRIGGER audit_leaf_no_change"
         " BEFORE UPDATE OR DELETE ON audit_leaf FOR EACH ROW WHEN (OLD.number < 0)"
         " EXECUTE FUNCTION consent_vault_refuse_change();"
         " ALTER TABLE audit_leaf ENABLE ALWAYS TRIGGER audit_leaf_no_change"),
         "audit_leaf_no_change", Fault.MISSING),
    ],
)  # fmt: skip
def test_a_guard_that_its_owner_weakened_is_found(
    postgresql: Engine, statement: str, guard: str, fault: Fault
) -> None:
    with postgresql.connect() as connection, connection.begin():
        connection.exec_driver_sql(statement)
        assert {each.guard.name: each.fault for each in weak(connection)} == {guard: fault}
        connection.rollback()


def test_a_function_that_refuses_no_more_is_found_and_an_upgrade_mends_it(
    postgresql_url: str,
) -> None:
    with schema_of_its_own(postgresql_url) as url:
        engine = open_engine(url)
        upgrade(engine)
        _weaken_and_mend(engine)
        engine.dispose()


def _weaken_and_mend(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION consent_vault_refuse_change() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$"
        )
    assert set(faults(engine).values()) == {Fault.CHANGED}
    upgrade(engine)
    assert faults(engine) == {}


# On PostgreSQL, as the role of the application


@pytest.fixture(scope="module")
def application(postgresql: Engine) -> Iterator[Engine]:
    """An engine that signs in as a role with the application's rights only."""
    role = f"app_{uuid4().hex}"
    with postgresql.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'app'")
        give_rights(connection, role)
    engine = create_engine(postgresql.url.set(username=role, password="app"))
    yield engine
    engine.dispose()
    with postgresql.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")


def forbidden(engine: Engine, statement: str) -> None:
    with pytest.raises(ProgrammingError) as refusal, engine.begin() as connection:
        connection.exec_driver_sql(statement)
    assert isinstance(refusal.value.orig, psycopg.errors.InsufficientPrivilege)


@each_guarded
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {0} SET {1} = {1}",
        "TRUNCATE {0}",
        "ALTER TABLE {0} DISABLE TRIGGER ALL",
        "ALTER TABLE {0} DROP COLUMN {1}",
        "DROP TRIGGER {0}_no_change ON {0}",
        "DROP TABLE {0} CASCADE",
        "SELECT 1 FROM {0} FOR UPDATE",
    ],
)
def test_the_application_may_not_change_what_stays(
    application: Engine, table: Table, change: str
) -> None:
    forbidden(application, change.format(table, column(table)))


@each_kept
def test_the_application_may_not_delete_what_is_kept(application: Engine, table: Table) -> None:
    forbidden(application, f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        (
            "CREATE OR REPLACE FUNCTION consent_vault_refuse_change() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$"
        ),
        "DROP FUNCTION consent_vault_refuse_change() CASCADE",
        "CREATE TABLE audit_event_2 (number bigint)",
        "UPDATE audit_search SET kind = kind",
        "UPDATE audit_about SET number = number",
        "UPDATE audit_queue SET number = number",
        "UPDATE alembic_version SET version_num = version_num",
        "ALTER SEQUENCE audit_event_number_seq RESTART",
        "SELECT setval('audit_event_number_seq', 1)",
    ],
)
def test_the_application_may_not_go_round_the_guards(application: Engine, statement: str) -> None:
    forbidden(application, statement)


def test_no_rights_are_given_where_they_could_not_be_limited(postgresql: Engine) -> None:
    with postgresql.connect() as connection:
        owner = connection.execute(text("SELECT current_user")).scalar_one()
        for role, why in ((owner, "cannot be limited"), ("nobody_of_that_name", "no such role")):
            with pytest.raises(RoleError, match=why):
                give_rights(connection, role)


def test_sqlite_has_no_roles(sqlite: Engine) -> None:
    with sqlite.connect() as connection, pytest.raises(RoleError, match="no roles"):
        give_rights(connection, "app")
