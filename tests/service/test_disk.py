"""A disk that is full or fails below a command is called so, and nothing else is."""

import errno
import sqlite3
from pathlib import Path

import psycopg.errors
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from audit.not_written import EventNotWrittenError
from service.cli.disk import disk_failure
from service.cli.failure import Failure
from service.cli.starting import told


@pytest.fixture
def full(tmp_path: Path) -> DBAPIError:
    """What SQLite says when there is no room."""
    engine = create_engine(f"sqlite:///{tmp_path / 'small.db'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE kept (value TEXT)")
        connection.exec_driver_sql("PRAGMA max_page_count = 3")
        with pytest.raises(OperationalError) as caught:
            connection.execute(text("INSERT INTO kept VALUES (:value)"), {"value": "x" * 100_000})
    engine.dispose()
    return caught.value


def said(error: Exception) -> str:
    with pytest.raises(Failure) as failure, told():
        raise error
    return str(failure.value)


def because_of(driver: BaseException | None) -> EventNotWrittenError:
    error = EventNotWrittenError()
    error.__cause__ = driver
    return error


def test_a_full_database_is_told_with_what_to_do(full: DBAPIError) -> None:
    for error in (full, because_of(full.orig), because_of(psycopg.errors.DiskFull())):
        assert "the database cannot be written" in said(error)
        assert "its disk is full" in said(error)
        assert "make room there" in said(error)
    assert "xxx" not in said(full)


def test_a_full_disk_below_a_file_is_told_with_its_name() -> None:
    shown = said(OSError(errno.ENOSPC, "No space left on device", "register.refused"))
    assert "register.refused cannot be written" in shown
    assert "a file cannot be written" in said(OSError(errno.EDQUOT, "Disk quota exceeded"))


def test_a_disk_that_fails_is_told_with_the_kind_of_the_error() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode, error.sqlite_errorname = 4874, "SQLITE_IOERR_SHMSIZE"
    assert "SQLITE_IOERR_SHMSIZE" in said(because_of(error))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied", "x"),
        because_of(sqlite3.OperationalError("no such table")),
        because_of(None),
        DBAPIError("SELECT 1", {}, psycopg.errors.UndefinedTable()),
        ValueError(),
    ],
    ids=["file", "table", "no cause", "postgresql", "another"],
)
def test_the_disk_is_not_blamed_for_anything_else(error: Exception) -> None:
    assert disk_failure(error) is None


def test_an_event_that_was_refused_is_told_by_its_kind_only() -> None:
    shown = said(because_of(sqlite3.IntegrityError("a value of somebody")))
    assert "IntegrityError" in shown
    assert "somebody" not in shown
