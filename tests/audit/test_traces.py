"""What was deleted is not in SQLite's files any more, and no reader is waited for."""

import resource
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from audit.traces import drop_traces

PLANTED = "planted-value-that-must-go"


def files(engine: Engine) -> bytes:
    path = Path(str(engine.url.database))
    return b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))


@pytest.fixture
def deleted(empty_engine: Engine) -> Engine:
    """A database in which a row was written and deleted again."""
    with empty_engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (value VARCHAR(64))"))
        connection.execute(text("INSERT INTO kept VALUES (:value)"), {"value": PLANTED})
    with empty_engine.begin() as connection:
        connection.execute(text("DELETE FROM kept"))
    return empty_engine


def test_nothing_of_it_is_left_in_the_files(deleted: Engine) -> None:
    if deleted.dialect.name != "sqlite":
        assert drop_traces(deleted)  # there it is VACUUM's work, and the archive's
        return
    assert PLANTED.encode() in files(deleted)
    assert drop_traces(deleted)
    assert PLANTED.encode() not in files(deleted)


def test_a_reader_is_not_waited_for_and_it_can_be_asked_for_again(deleted: Engine) -> None:
    if deleted.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has no such file")
    with closing(sqlite3.connect(str(deleted.url.database))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM kept").fetchall()
        with deleted.begin() as connection:
            connection.execute(text("INSERT INTO kept VALUES ('later')"))
        assert not drop_traces(deleted)
        reader.rollback()
    assert drop_traces(deleted)
    assert PLANTED.encode() not in files(deleted)


def test_a_disk_that_takes_nothing_more_is_no_error_and_it_can_be_asked_for_again(
    deleted: Engine,
) -> None:
    if deleted.dialect.name != "sqlite":
        pytest.skip("PostgreSQL has no such file")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limit[1]))
    try:
        assert not drop_traces(deleted)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert drop_traces(deleted)
    assert PLANTED.encode() not in files(deleted)
