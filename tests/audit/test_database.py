"""Engines and column types."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from audit.database import Instant, open_engine
from audit.unit_of_work import Ledger
from tests.audit.sample import record

TIMES = Table("times", MetaData(), Column("id", Integer, primary_key=True), Column("at", Instant))
HELSINKI = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    "moment",
    [
        None,
        datetime(2026, 11, 24, 9, 0, 0, 123456, tzinfo=UTC),
        datetime(2026, 11, 24, 11, 0, tzinfo=HELSINKI),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_an_instant_reads_back_in_utc(engine: Engine, moment: datetime | None) -> None:
    TIMES.create(engine)
    with engine.begin() as connection:
        connection.execute(insert(TIMES).values(id=1, at=moment))
        read = connection.execute(select(TIMES.c.at)).scalar_one()
    assert read == moment
    assert read is None or read.tzinfo is UTC


def test_instants_are_ordered_as_times(engine: Engine) -> None:
    TIMES.create(engine)
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    with engine.begin() as connection:
        connection.execute(insert(TIMES), [{"id": 1, "at": late}, {"id": 2, "at": early}])
        query = select(TIMES.c.id).where(TIMES.c.at < late)
        assert connection.execute(query).scalars().all() == [2]


def test_a_time_without_a_zone_is_refused_on_sqlite(engine: Engine) -> None:
    TIMES.create(engine)
    naive = datetime(2026, 1, 1)  # noqa: DTZ001  # the fault that is tried
    if engine.dialect.name == "sqlite":
        with pytest.raises(StatementError), engine.begin() as connection:
            connection.execute(insert(TIMES).values(id=1, at=naive))


def test_the_text_of_an_error_quotes_no_parameters(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as error, engine.begin() as connection:
        connection.execute(text("SELECT * FROM nowhere WHERE x = :x"), {"x": "a secret value"})
    assert "a secret value" not in str(error.value)


def test_sqlite_is_durable_and_forgets_what_was_deleted(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("settings of SQLite")
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "secure_delete", "recursive_triggers")
        }
    assert settings == {
        "journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "recursive_triggers": 1,
    }  # fmt: skip


def test_a_database_that_another_process_holds_is_an_error_that_callers_know(
    ledger: Ledger,
) -> None:
    if ledger.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL lets writers run side by side")
    with ledger.read() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(str(ledger.engine.url.database))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            record(ledger)
    record(ledger)


def test_a_connection_that_the_server_closed_is_replaced(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server")
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    other = open_engine(engine.url.render_as_string(hide_password=False))
    with other.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()
    with engine.connect() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != pid
