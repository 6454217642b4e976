"""Guards that do not hold are found, and made anew only when somebody asks for it.

`tests/service/migrations/test_guards.py` tries every way in on every table of every room.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.exc import DBAPIError

from audit.guards import Fault, restore_guards, weak_guards
from audit.insert_only import (
    Growth,
    grants,
    growth_of,
    guards_of,
    insert_only,
    insert_only_ddl,
    never_updated,
)
from audit.store.tables import metadata

_rooms = MetaData()
KEPT = insert_only(
    Table(
        "kept",
        _rooms,
        Column("key", Integer, primary_key=True),
        Column("once", Integer, unique=True),
        Column("index", Integer),
        Column("word", String(8)),
        UniqueConstraint("index", "word"),
        Index("kept_word", "word", unique=True),
    )
)
ERASED = never_updated(Table("erased", _rooms, Column("key", Integer, primary_key=True)))
FREE = Table("free", _rooms, Column("key", Integer, primary_key=True))
TABLES = (KEPT, ERASED, FREE)


@pytest.fixture
def connection(empty_engine: Engine) -> Iterator[Connection]:
    _rooms.create_all(empty_engine)
    with empty_engine.connect() as opened, opened.begin():
        opened.execute(KEPT.insert().values(key=1, once=2, index=3, word="w"))
        opened.execute(ERASED.insert().values(key=1))
        opened.execute(FREE.insert().values(key=1))
        yield opened


@pytest.fixture
def postgresql(connection: Connection) -> Connection:
    if connection.dialect.name == "sqlite":
        pytest.skip("SQLite has neither partitions nor a replica's role")
    return connection


def faults(connection: Connection) -> list[tuple[str, Fault]]:
    return [(each.guard.name, each.fault) for each in weak_guards(connection, TABLES)]


def refused(connection: Connection, statement: str) -> None:
    with pytest.raises(DBAPIError, match="is insert-only"), connection.begin_nested():
        connection.execute(text(statement))


def test_a_table_says_what_may_happen_to_its_rows() -> None:
    assert [growth_of(table) for table in TABLES] == [
        Growth.INSERT_ONLY,
        Growth.NEVER_UPDATED,
        Growth.FREE,
    ]
    assert guards_of(FREE, "sqlite") == guards_of(FREE, "postgresql") == []


def test_the_guards_of_the_log_stand_when_its_tables_are_made(engine: Engine) -> None:
    with engine.connect() as connection:
        assert weak_guards(connection, metadata.sorted_tables) == []


def test_a_kept_row_is_neither_updated_nor_deleted(connection: Connection) -> None:
    refused(connection, "UPDATE kept SET once = 5")
    refused(connection, "DELETE FROM kept")


def test_a_row_that_may_be_erased_is_not_updated(connection: Connection) -> None:
    refused(connection, "UPDATE erased SET key = 5")
    assert connection.execute(text("DELETE FROM erased")).rowcount == 1


@pytest.mark.parametrize("values", ["1, 5, 5, 'v'", "5, 2, 5, 'v'", "5, 5, 3, 'w'", "5, 5, 5, 'w'"])
def test_no_key_of_a_row_lets_another_one_replace_it(connection: Connection, values: str) -> None:
    if connection.dialect.name == "postgresql":
        pytest.skip("PostgreSQL has no REPLACE")
    replace = f'REPLACE INTO kept (key, once, "index", word) VALUES ({values})'
    refused(connection, replace)
    connection.execute(text("REPLACE INTO kept VALUES (6, 6, 6, 'u')"))


def test_a_replaced_row_that_may_be_erased_is_refused_too(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        pytest.skip("PostgreSQL has no REPLACE")
    refused(connection, "REPLACE INTO erased VALUES (1)")


def test_a_missing_guard_is_found_and_stays_away_until_it_is_restored(
    connection: Connection,
) -> None:
    sqlite = connection.dialect.name == "sqlite"
    name = "erased_no_update" if sqlite else "erased_no_change"
    connection.execute(text(f"DROP TRIGGER {name}" + ("" if sqlite else " ON erased")))
    assert faults(connection) == faults(connection) == [(name, Fault.MISSING)]
    assert [each.guard.name for each in restore_guards(connection, TABLES)] == [name]
    assert faults(connection) == []
    assert restore_guards(connection, TABLES) == []
    refused(connection, "UPDATE erased SET key = 5")


def test_a_guard_that_does_nothing_is_found_and_replaced(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("DROP TRIGGER kept_no_delete"))
        nothing = "CREATE TRIGGER kept_no_delete BEFORE DELETE ON kept BEGIN SELECT 1; END"
        connection.execute(text(nothing))
        expected = ["kept_no_delete"]
    else:
        refuse = "CREATE OR REPLACE FUNCTION consent_vault_refuse_change() RETURNS trigger"
        nothing = "LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$"
        connection.execute(text(f"{refuse} {nothing}"))
        expected = ["erased_no_change", "erased_no_truncate", "kept_no_change", "kept_no_truncate"]
    assert faults(connection) == [(name, Fault.CHANGED) for name in expected]
    restore_guards(connection, TABLES)
    refused(connection, "DELETE FROM kept")


@pytest.mark.parametrize("enable", ["DISABLE", "ENABLE", "ENABLE REPLICA"])
def test_a_guard_that_can_be_put_to_sleep_is_found(postgresql: Connection, enable: str) -> None:
    postgresql.execute(text(f"ALTER TABLE kept {enable} TRIGGER kept_no_change"))
    assert faults(postgresql) == [("kept_no_change", Fault.ASLEEP)]
    restore_guards(postgresql, TABLES)
    postgresql.execute(text("SET LOCAL session_replication_role = replica"))
    refused(postgresql, "DELETE FROM kept")


def test_a_guard_for_one_column_or_one_condition_counts_as_none(postgresql: Connection) -> None:
    refuse = "EXECUTE FUNCTION consent_vault_refuse_change()"
    for timing in (
        "BEFORE UPDATE OF word OR DELETE ON kept FOR EACH ROW",
        "BEFORE UPDATE OR DELETE ON kept FOR EACH ROW WHEN (OLD.key > 5)",
    ):
        postgresql.execute(text("DROP TRIGGER kept_no_change ON kept"))
        postgresql.execute(text(f"CREATE TRIGGER kept_no_change {timing} {refuse}"))
        postgresql.execute(text("ALTER TABLE kept ENABLE ALWAYS TRIGGER kept_no_change"))
        assert faults(postgresql) == [("kept_no_change", Fault.MISSING)]


def test_every_partition_needs_a_guard_of_its_own_against_truncate(postgresql: Connection) -> None:
    parts = MetaData()
    whole = insert_only(
        Table(
            "whole",
            parts,
            Column("key", Integer, primary_key=True),
            postgresql_partition_by="RANGE (key)",
        )
    )
    moving = Table(
        "moving",
        parts,
        Column("key", Integer, primary_key=True),
        postgresql_partition_by="RANGE (key)",
    )
    parts.create_all(postgresql)
    for table in (whole, moving):
        one = f"CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES FROM (0) TO (9)"
        postgresql.execute(text(one))
    postgresql.execute(text("INSERT INTO whole VALUES (1)"))
    refused(postgresql, "DELETE FROM whole_1")
    weak = weak_guards(postgresql, [whole, moving])
    assert [(e.guard.table, e.guard.name, e.fault) for e in weak] == [
        ("whole_1", "whole_1_no_truncate", Fault.MISSING)
    ]
    restore_guards(postgresql, [whole, moving])
    refused(postgresql, "TRUNCATE whole_1")


@pytest.mark.parametrize("enable", ["DISABLE", "ENABLE", "ENABLE REPLICA"])
def test_a_guard_that_sleeps_in_one_partition_alone_is_found(
    postgresql: Connection, enable: str
) -> None:
    parts = MetaData()
    key = Column("key", Integer, primary_key=True)
    whole = insert_only(Table("whole", parts, key, postgresql_partition_by="RANGE (key)"))
    parts.create_all(postgresql)
    for part in (1, 2):
        bounds = f"FOR VALUES FROM ({part}) TO ({part + 1})"
        postgresql.execute(text(f"CREATE TABLE whole_{part} PARTITION OF whole {bounds}"))
    restore_guards(postgresql, [whole])
    postgresql.execute(text("INSERT INTO whole VALUES (1), (2)"))
    postgresql.execute(text(f"ALTER TABLE whole_2 {enable} TRIGGER whole_no_change"))
    weak = [
        (each.guard.table, each.guard.name, each.fault) for each in weak_guards(postgresql, [whole])
    ]
    assert weak == [("whole_2", "whole_no_change", Fault.ASLEEP)]
    restore_guards(postgresql, [whole])
    assert weak_guards(postgresql, [whole]) == []
    postgresql.execute(text("DROP TRIGGER whole_no_change ON whole"))
    weak = [
        (each.guard.table, each.guard.name, each.fault) for each in weak_guards(postgresql, [whole])
    ]
    assert weak == [("whole", "whole_no_change", Fault.MISSING)]
    restore_guards(postgresql, [whole])
    assert weak_guards(postgresql, [whole]) == []
    postgresql.execute(text("SET LOCAL session_replication_role = replica"))
    refused(postgresql, "DELETE FROM whole_2")


def test_rights_are_given_table_by_table() -> None:
    given = grants("app", insert_only=["a"], deletable=["b"], free=["c"], sequences=["s"])
    assert [each for each in given if each.startswith("GRANT")] == [
        "GRANT SELECT, INSERT ON TABLE a TO app",
        "GRANT SELECT, INSERT, DELETE ON TABLE b TO app",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE c TO app",
        "GRANT USAGE ON SEQUENCE s TO app",
    ]


def test_the_first_migrations_get_the_guards_of_their_time() -> None:
    assert len(insert_only_ddl("t", "sqlite")) == 2
    assert len(insert_only_ddl("t", "postgresql")) == 5
