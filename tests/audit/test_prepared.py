"""Statements run at the driver give what Core gives, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    bindparam,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from audit.changes import changed, forget
from audit.database import Instant
from audit.model import SYSTEM
from audit.prepared import PreparedInsert, PreparedSelect
from audit.unit_of_work import Ledger, UnaccountedChangeError, begin
from tests.wrapping import MemoryWrapper

NOW = datetime(2026, 11, 24, 9, 0, 0, 123456, tzinfo=UTC)

metadata = MetaData()
thing = Table(
    "tests_thing",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(20), nullable=False),
    Column("at", Instant),
    Column("content", LargeBinary),
    Column("number", Integer),
)
BY_NAMES = PreparedSelect(
    select(thing)
    .where(thing.c.name.in_(bindparam("names", expanding=True)), thing.c.number != 7)
    .order_by(thing.c.name)
    .limit(10)
)
BY_ID = PreparedSelect(select(thing).where(thing.c.id == bindparam("id")))
INSERT = PreparedInsert(insert(thing))
IF_ABSENT = {
    "sqlite": PreparedInsert(sqlite.insert(thing).on_conflict_do_nothing()),
    "postgresql": PreparedInsert(postgresql.insert(thing).on_conflict_do_nothing()),
}


@pytest.fixture
def things(engine: Engine) -> Iterator[Engine]:
    metadata.create_all(engine)
    yield engine
    metadata.drop_all(engine)


def row(name: str, **changed_values: Any) -> dict[str, Any]:
    made = {"id": uuid4(), "name": name, "at": NOW, "content": b"\x00\xff", "number": 1}
    return made | changed_values


def write(connection: Connection, *rows: dict[str, Any]) -> None:
    for each in rows:
        assert INSERT.run(connection, each)


def test_rows_are_those_of_core_in_every_type(things: Engine) -> None:
    with things.begin() as connection:
        write(connection, row("a"), row("b", at=None, content=None, number=None), row("c"))
        names = {"names": ["a", "b", "c"]}
        got = BY_NAMES.rows(connection, names)
        core = connection.execute(select(thing).where(thing.c.number != 7)).all()
    assert sorted(map(tuple, got)) == sorted(map(tuple, core))
    first = got[0]
    assert isinstance(first.id, UUID)
    assert (first.name, first.at, first.content, first.number) == ("a", NOW, b"\x00\xff", 1)


@pytest.mark.parametrize(("names", "found"), [([], 0), (["a"], 1), (["a", "b"], 2), (["x"], 0)])
def test_a_list_may_have_any_length(things: Engine, names: list[str], found: int) -> None:
    with things.begin() as connection:
        write(connection, row("a"), row("b"), row("c", number=7))
        for _ in range(2):
            assert len(BY_NAMES.rows(connection, {"names": names})) == found


def test_one_row_or_none(things: Engine) -> None:
    one = row("a")
    with things.begin() as connection:
        write(connection, one)
        assert BY_ID.one_or_none(connection, {"id": one["id"]}).name == "a"
        assert BY_ID.one_or_none(connection, {"id": uuid4()}) is None
        write(connection, row("a"))
        with pytest.raises(RuntimeError):
            BY_NAMES.one_or_none(connection, {"names": ["a"]})


def test_of_two_equal_inserts_the_second_says_so(things: Engine) -> None:
    one = row("a")
    with things.begin() as connection:
        absent = IF_ABSENT[things.dialect.name]
        assert absent.run(connection, one)
        assert not absent.run(connection, one)


def test_a_change_past_core_is_noted(things: Engine) -> None:
    Ledger(things, MemoryWrapper())
    one = row("a")
    with things.begin() as connection:
        forget(connection)
        assert IF_ABSENT[things.dialect.name].run(connection, one)
        assert changed(connection)
        forget(connection)
        assert not IF_ABSENT[things.dialect.name].run(connection, one)
        assert not changed(connection)


def test_a_change_past_core_without_an_event_is_not_committed(things: Engine) -> None:
    ledger = Ledger(things, MemoryWrapper())
    with pytest.raises(UnaccountedChangeError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        INSERT.run(uow.connection, row("a"))
    with ledger.read() as connection:
        assert BY_NAMES.rows(connection, {"names": ["a"]}) == []


def test_a_query_that_hides_a_change_is_none() -> None:
    hidden = insert(thing).values(name="a").returning(thing.c.id).cte()
    with pytest.raises(TypeError, match="changes"):
        PreparedSelect(select(hidden.c.id))
    with pytest.raises(TypeError, match="changes"):
        PreparedSelect(select(thing).add_cte(insert(thing).values(name="a").cte()))
    with pytest.raises(TypeError, match="changes"):
        PreparedSelect(select(thing).where(thing.c.id.in_(select(hidden.c.id))))


def test_a_parameter_that_is_missing_is_an_error_and_not_null(things: Engine) -> None:
    with things.begin() as connection:
        with pytest.raises(KeyError):
            BY_ID.rows(connection, {"ident": uuid4()})
        insert_one = PreparedInsert(insert(thing))
        insert_one.run(connection, row("a"))
        for other in ({"more": 1}, {"id": uuid4(), "nam": "b"}):
            with pytest.raises(TypeError, match="columns"):
                insert_one.run(connection, row("b") | other)


def test_errors_have_the_names_of_core_and_quote_no_parameters(things: Engine) -> None:
    one = row("a secret value")
    with things.begin() as connection:
        write(connection, one)
    with things.begin() as connection, pytest.raises(IntegrityError) as error:
        INSERT.run(connection, one)
    assert "a secret value" not in str(error.value)


def _without_its_table(connection: Connection) -> None:
    connection.exec_driver_sql("DROP TABLE tests_thing")


def _in_a_transaction_that_failed(connection: Connection) -> None:
    with suppress(DBAPIError):
        connection.exec_driver_sql("SELECT * FROM nowhere")
    if connection.dialect.name == "sqlite":  # which goes on: so another thing fails there
        _without_its_table(connection)


@pytest.mark.parametrize("spoil", [_without_its_table, _in_a_transaction_that_failed])
def test_a_query_fails_with_the_error_that_core_has_for_it(
    things: Engine, spoil: Callable[[Connection], None]
) -> None:
    query = select(thing).where(thing.c.id == bindparam("id"))
    found = []
    for ask in (
        lambda c: c.execute(query, {"id": uuid4()}),
        lambda c: BY_ID.rows(c, {"id": uuid4()}),
        lambda c: BY_ID.one_or_none(c, {"id": uuid4()}),
    ):
        with things.connect() as connection:
            spoil(connection)
            with pytest.raises(DBAPIError) as error:
                ask(connection)
            found.append((type(error.value), type(error.value.orig)))
            assert error.value.params is None or error.value.hide_parameters
            connection.rollback()
    assert len(set(found)) == 1


def test_a_text_that_the_database_cannot_hold_is_an_error_of_core(things: Engine) -> None:
    if things.dialect.name == "sqlite":
        pytest.skip("SQLite takes any text")
    with things.connect() as connection, pytest.raises(DataError) as error:
        BY_NAMES.rows(connection, {"names": ["secret\0"]})
    assert "secret" not in str(error.value)


def test_a_lost_connection_is_an_error_of_core(things: Engine) -> None:
    if things.dialect.name == "sqlite":
        pytest.skip("SQLite has no connection to lose")
    with things.connect() as connection, suppress(OperationalError):
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with things.begin() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
        with pytest.raises(OperationalError):
            BY_ID.rows(connection, {"id": uuid4()})
        connection.close()
    with things.connect() as connection:
        assert BY_ID.rows(connection, {"id": uuid4()}) == []
