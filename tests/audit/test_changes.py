"""What counts as a change: rows, however they were changed, and nothing else."""

import pytest
from sqlalchemy import MetaData, Table, column, insert, select, table, text
from sqlalchemy.schema import CreateTable

from audit.model import SYSTEM
from audit.store.tables import log_key
from audit.unit_of_work import Ledger, UnaccountedChangeError, begin
from tests.audit.sample import NOW

THING = table("thing", column("id"), column("name"))


@pytest.fixture(autouse=True)
def things(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT)"))
        connection.execute(text("INSERT INTO thing VALUES (1, 'one'), (2, 'two')"))


CHANGES = [
    "INSERT INTO thing VALUES (3, 'three')",
    "  \n insert into thing select 3, 'three'",
    "-- a comment\nUPDATE thing SET name = 'x' WHERE id = 1",
    "DELETE FROM thing",
    "WITH one AS (SELECT 1 AS id) INSERT INTO thing SELECT 9, 'nine' FROM one",
    "WITH one AS (SELECT 1 AS id) DELETE FROM thing WHERE id IN (SELECT id FROM one)",
    "INSERT INTO thing VALUES (1, 'uno') ON CONFLICT (id) DO UPDATE SET name = 'uno'",
    "INSERT INTO thing VALUES (4, 'four') RETURNING id",
]
HIDDEN = [
    "WITH w AS (UPDATE thing SET name = 'x' WHERE id = 1 RETURNING id) SELECT * FROM w",
    "WITH w AS (DELETE FROM thing WHERE id = 1) SELECT 1",
    "with w(id) as materialized (insert into thing values (5, 'v') returning id) table w",
    "WITH w AS (WITH v AS (SELECT 1) DELETE FROM thing RETURNING id) SELECT * FROM w",
]
NO_CHANGES = [
    "SELECT * FROM thing",
    "WITH w AS (SELECT 1) SELECT * FROM w",
    "UPDATE thing SET name = 'x' WHERE id = 99",
    "DELETE FROM thing WHERE id = 99",
    "INSERT INTO thing VALUES (1, 'uno') ON CONFLICT (id) DO NOTHING",
    "WITH none AS (SELECT 99 AS id) DELETE FROM thing WHERE id IN (SELECT id FROM none)",
    "SELECT 'WITH w AS (DELETE FROM thing) SELECT 1' AS quoted",
]
HIDDEN_NO_CHANGES = [
    "WITH w AS (UPDATE thing SET name = 'x' WHERE id = 99 RETURNING id) SELECT * FROM w",
    "SELECT * FROM thing FOR UPDATE",
    "WITH w AS (SELECT * FROM thing FOR UPDATE) SELECT * FROM w",
    'SELECT name AS "AS (DELETE" FROM thing FOR UPDATE /* AS (DELETE */ -- AS (DELETE',
]


def run(ledger: Ledger, statement: str) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.connection.execute(text(statement))


@pytest.mark.parametrize("statement", CHANGES)
def test_a_statement_that_changes_rows_needs_an_event(ledger: Ledger, statement: str) -> None:
    with pytest.raises(UnaccountedChangeError):
        run(ledger, statement)
    with ledger.read() as connection:
        assert connection.execute(select(THING.c.name)).scalars().all() == ["one", "two"]


@pytest.mark.parametrize("statement", NO_CHANGES)
def test_a_statement_that_changes_no_row_needs_none(ledger: Ledger, statement: str) -> None:
    run(ledger, statement)


@pytest.mark.parametrize("statement", HIDDEN)
def test_a_change_hidden_in_a_with_needs_an_event(ledger: Ledger, statement: str) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no such WITH")
    with pytest.raises(UnaccountedChangeError):
        run(ledger, statement)


@pytest.mark.parametrize("statement", HIDDEN_NO_CHANGES)
def test_locks_and_quoted_words_are_no_change(ledger: Ledger, statement: str) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no such statement")
    run(ledger, statement)


def test_truncating_needs_an_event(ledger: Ledger) -> None:
    if ledger.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(UnaccountedChangeError):
        run(ledger, "TRUNCATE thing")


def test_many_rows_at_once_need_an_event(ledger: Ledger) -> None:
    rows = [{"id": i, "name": "many"} for i in range(10, 14)]
    with pytest.raises(UnaccountedChangeError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.connection.execute(insert(THING), rows)


def test_a_statement_given_to_the_driver_is_seen(ledger: Ledger) -> None:
    with pytest.raises(UnaccountedChangeError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.connection.exec_driver_sql("UPDATE thing SET name = 'x'")


def test_what_an_earlier_transaction_changed_is_not_counted_again(ledger: Ledger) -> None:
    with pytest.raises(UnaccountedChangeError):
        run(ledger, CHANGES[0])
    run(ledger, "SELECT 1")


def test_reading_through_a_ledger_writes_nothing(ledger: Ledger) -> None:
    with ledger.read() as connection:
        connection.execute(text(CHANGES[0]))
    with ledger.read() as connection:
        assert len(connection.execute(select(THING.c.id)).all()) == 2


def test_a_new_table_is_no_change_of_rows(ledger: Ledger) -> None:
    made = Table("made", MetaData(), *[c._copy() for c in log_key.columns])
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.connection.execute(CreateTable(made))
