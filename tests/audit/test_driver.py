"""Statements at the driver: several in one round trip, in one transaction, with plain errors."""

import threading
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text

from audit.database import open_engine
from audit.driver import COMMIT, DRIVER_ERRORS, Statement, run

ID = UUID("0f8c2f2e-6c1b-4a44-9f0a-000000000001")
AT = datetime(2026, 11, 24, 9, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def thing(engine: Engine) -> Engine:
    """A table with one column of each type that we send."""
    types = {"sqlite": ("TEXT", "BLOB", "TEXT"), "postgresql": ("uuid", "bytea", "timestamptz")}
    uuid, content, moment = types[engine.dialect.name]
    columns = f"id {uuid} PRIMARY KEY, name TEXT, at {moment}, content {content}, number BIGINT"
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE thing ({columns}, sure BOOLEAN)"))
    return engine


@pytest.fixture
def postgresql(thing: Engine) -> Engine:
    if thing.dialect.name == "sqlite":
        pytest.skip("this is about PostgreSQL")
    return thing


def insert(engine: Engine, *values: Any) -> Statement:
    marks = [f"${i}" if engine.dialect.name == "postgresql" else "?" for i in range(1, 7)]
    return Statement(f"INSERT INTO thing VALUES ({', '.join(marks)})", values)


def named(engine: Engine, name: str, identity: UUID = ID) -> Statement:
    key = identity if engine.dialect.name == "postgresql" else identity.hex
    return insert(engine, key, name, None, None, None, None)


def names(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT name FROM thing ORDER BY name")).scalars())


def test_behind_a_pooler_nothing_is_prepared(postgresql: Engine) -> None:
    row = (ID, "älä", AT, b"\x00\xff", -(2**40), True)
    url = postgresql.url.render_as_string(hide_password=False)
    pooled = open_engine(url, pooled=True)
    asked = Statement("SELECT name FROM pg_prepared_statements")
    with pooled.connect() as connection:
        run(connection, [insert(pooled, *row)])
        assert run(connection, [Statement("SELECT * FROM thing WHERE sure")])[0].rows == [row]
        assert run(connection, [asked])[0].rows == []
        with pytest.raises(psycopg.errors.UniqueViolation):
            run(connection, [insert(pooled, *row)])
    pooled.dispose()


def test_values_of_every_type_come_back(postgresql: Engine) -> None:
    row = (ID, "älä", AT, b"\x00\xff", -(2**40), True)
    with postgresql.connect() as connection:
        found = run(
            connection, [insert(postgresql, *row), Statement("SELECT * FROM thing WHERE sure")]
        )
    assert found[0].affected == 1
    assert found[0].tag == "INSERT 0 1"
    assert found[1].rows == [row]


def test_what_has_no_form_is_an_error_before_anything_is_sent(postgresql: Engine) -> None:
    with postgresql.connect() as connection:
        with pytest.raises(TypeError, match="float"):
            run(connection, [Statement("SELECT $1::float", (1.5,))])
        # libpq would read the text up to there, and so find another one than was asked for.
        with pytest.raises(psycopg.DataError, match="NUL"):
            run(connection, [Statement("SELECT $1::text", ("a\0b",))])


def test_the_first_statement_begins_a_transaction_that_can_be_rolled_back(thing: Engine) -> None:
    with thing.connect() as connection, connection.begin() as transaction:
        assert run(connection, [named(thing, "a")])[0].affected == 1
        transaction.rollback()
    with thing.connect() as connection:
        assert names(connection) == []


def test_those_after_one_that_fails_are_not_run(thing: Engine) -> None:
    other = UUID(int=1)
    with thing.connect() as connection, connection.begin() as transaction:
        with pytest.raises(DRIVER_ERRORS):
            run(connection, [named(thing, "a"), named(thing, "b"), named(thing, "c", other)])
        transaction.rollback()
    with thing.connect() as connection:
        assert names(connection) == []


def test_a_commit_behind_a_failure_does_not_commit(postgresql: Engine) -> None:
    with postgresql.connect() as connection, connection.begin() as transaction:
        with pytest.raises(psycopg.errors.UniqueViolation):
            run(connection, [named(postgresql, "a"), named(postgresql, "b"), Statement(COMMIT)])
        transaction.rollback()
    with postgresql.connect() as connection:
        assert names(connection) == []


def test_a_commit_at_the_end_commits(postgresql: Engine) -> None:
    with postgresql.connect() as connection:
        run(connection, [named(postgresql, "a"), Statement(COMMIT)])
    with postgresql.connect() as connection:
        assert names(connection) == ["a"]


def test_a_connection_that_commits_by_itself_begins_nothing(postgresql: Engine) -> None:
    with postgresql.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        run(connection, [named(postgresql, "a")])
    with postgresql.connect() as connection:
        assert names(connection) == ["a"]


def test_what_is_prepared_outlives_rollbacks_and_the_statements_of_core(postgresql: Engine) -> None:
    with postgresql.connect() as connection:
        for _ in range(10):
            assert run(connection, [Statement("SELECT 1")])[0].rows == [(1,)]
            assert connection.execute(text("SELECT 2")).scalar_one() == 2
            connection.rollback()


def test_a_text_that_cannot_be_prepared_is_an_error_of_the_driver(postgresql: Engine) -> None:
    with postgresql.connect() as connection, pytest.raises(psycopg.errors.UndefinedTable):
        run(connection, [Statement("SELECT * FROM nowhere")])


def test_a_connection_in_another_encoding_is_refused(postgresql: Engine) -> None:
    with postgresql.connect() as connection:
        connection.exec_driver_sql("SET client_encoding TO latin1")
        with pytest.raises(RuntimeError, match="UTF-8"):
            run(connection, [Statement("SELECT 'in another encoding'")])
        connection.invalidate()


@pytest.mark.parametrize("count", [1, 3])
def test_a_lost_connection_is_an_operational_error(postgresql: Engine, count: int) -> None:
    statements = [Statement("SELECT 1")] * count
    with postgresql.connect() as connection:
        run(connection, statements)
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with postgresql.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
        with pytest.raises(psycopg.OperationalError):
            run(connection, statements)
        connection.invalidate()


@pytest.mark.parametrize("count", [1, 2])
def test_others_go_on_while_the_server_keeps_one_waiting(postgresql: Engine, count: int) -> None:
    # Otherwise whoever holds the lock that is waited for could never let go of it.
    lock = [Statement("SELECT name FROM thing FOR UPDATE")] * count
    with postgresql.begin() as connection:
        run(connection, [named(postgresql, "a")])

    def wait() -> None:
        with postgresql.begin() as waiting:
            run(waiting, [Statement("SELECT 1")])
            run(waiting, lock)

    thread = threading.Thread(target=wait)
    with postgresql.begin() as holding:
        run(holding, lock)
        thread.start()
        for _ in range(20):
            time.sleep(0.01)
        assert thread.is_alive()
    thread.join(10)
    assert not thread.is_alive()


def test_more_than_a_socket_takes_at_once_is_sent(postgresql: Engine) -> None:
    much = [Statement("SELECT length($1::bytea)", (bytes(3_000_000),))] * 4
    with postgresql.connect() as connection:
        assert [ran.rows for ran in run(connection, much)] == [[(3_000_000,)]] * 4
