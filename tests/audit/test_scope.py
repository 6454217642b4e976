"""How a transaction is told whose rows it may touch: with its first statement, and for itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, literal, select, text

from audit.driver import Statement, run
from audit.model import SYSTEM, Actor, Event, Kind
from audit.prepared import PreparedSelect
from audit.scope import EVERYONE, SERVICE, OtherPersonError, Reach, Scope, set_scope, turn_to
from audit.unit_of_work import Ledger, begin
from policies.ids import PersonId, new_uuid
from tests.audit.sample import NOW

SHE, HE = PersonId(new_uuid()), PersonId(new_uuid())
TOLD = (
    "SELECT current_setting('consent_vault.person', true),"
    " current_setting('consent_vault.scope', true)"
)
Heard = tuple[str | None, str | None]


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as opened:
        yield opened


def heard(connection: Connection) -> Heard:
    """What the server knows, asked by Core; nothing on SQLite."""
    if connection.dialect.name == "sqlite":
        return None, None
    row = connection.execute(text(TOLD)).one()
    return row[0], row[1]


def on_postgresql(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite knows no scopes")


def test_core_tells_it_with_the_first_statement(connection: Connection) -> None:
    on_postgresql(connection.engine)
    set_scope(connection, Scope.of(SHE))
    assert heard(connection) == (str(SHE), "person")


def test_the_driver_tells_it_with_the_first_statement(connection: Connection) -> None:
    on_postgresql(connection.engine)
    set_scope(connection, EVERYONE)
    assert run(connection, [Statement(TOLD)])[0].rows == [("", "everyone")]


def test_it_is_told_anew_in_each_transaction_and_ends_with_it(connection: Connection) -> None:
    on_postgresql(connection.engine)
    set_scope(connection, Scope.of(SHE))
    for _ in range(2):
        with connection.begin():
            assert heard(connection) == (str(SHE), "person")
        with connection.begin():
            assert run(connection, [Statement(TOLD)])[0].rows == [(str(SHE), "person")]
    set_scope(connection, None)
    assert heard(connection) == ("", "")


def test_it_is_told_once_in_a_transaction(connection: Connection) -> None:
    on_postgresql(connection.engine)
    set_scope(connection, SERVICE)
    heard(connection)
    forged = "SET LOCAL consent_vault.scope = 'heard-before'"
    connection.execute(text(forged))
    assert heard(connection)[1] == "heard-before"
    turn_to(connection, SHE)
    assert heard(connection) == (str(SHE), "service")


def test_a_service_turns_to_one_person_after_the_other(connection: Connection) -> None:
    on_postgresql(connection.engine)
    set_scope(connection, SERVICE)
    for person in (SHE, HE):
        turn_to(connection, person)
        assert run(connection, [Statement(TOLD)])[0].rows == [(str(person), "service")]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("at_driver", [False, True])
def test_a_level_of_isolation_is_kept(
    connection: Connection, level: str, *, at_driver: bool
) -> None:
    on_postgresql(connection.engine)
    connection.execution_options(isolation_level=level)
    set_scope(connection, Scope.of(SHE))
    asked = "SHOW transaction_isolation"
    if at_driver:
        assert run(connection, [Statement(asked)])[0].rows == [(level.lower(),)]
    else:
        assert connection.execute(text(asked)).scalar_one() == level.lower()
    assert heard(connection) == (str(SHE), "person")


def test_a_connection_without_transactions_is_told_nothing(engine: Engine) -> None:
    on_postgresql(engine)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        set_scope(connection, EVERYONE)
        assert run(connection, [Statement("SELECT 1")])[0].rows == [(1,)]
        assert heard(connection)[1] in {None, ""}


def test_the_next_user_of_a_pooled_connection_finds_nothing(engine: Engine) -> None:
    on_postgresql(engine)
    with engine.connect() as connection:
        set_scope(connection, EVERYONE)
        assert heard(connection) == ("", "everyone")
    with engine.connect() as connection:
        assert heard(connection)[1] in {None, ""}


def test_an_aborted_transaction_says_so(connection: Connection) -> None:
    on_postgresql(connection.engine)
    set_scope(connection, SERVICE)
    with pytest.raises(Exception, match="no_such_table"):
        connection.execute(text("SELECT * FROM no_such_table"))
    turn_to(connection, SHE)
    with pytest.raises(Exception, match="current transaction is aborted"):
        connection.execute(text("SELECT 1"))


def test_a_transaction_of_one_person_turns_to_nobody_else(connection: Connection) -> None:
    set_scope(connection, Scope.of(SHE))
    turn_to(connection, SHE)
    with pytest.raises(OtherPersonError):
        turn_to(connection, HE)


def test_without_a_scope_there_is_nobody_to_turn_from(connection: Connection) -> None:
    turn_to(connection, SHE)
    assert heard(connection) == (None, None)


@pytest.mark.parametrize(
    ("actor", "about", "expected"),
    [
        (SYSTEM, None, SERVICE),
        (Actor.person(SHE), None, Scope.of(SHE)),
        (SYSTEM, SHE, Scope.of(SHE)),
        (Actor.person(HE), SHE, Scope.of(SHE)),
        (Actor.person(HE), EVERYONE, EVERYONE),
    ],
)
def test_a_unit_of_work_is_about_its_person(
    ledger: Ledger, actor: Actor, about: PersonId | Scope | None, expected: Scope
) -> None:
    on_postgresql(ledger.engine)
    with begin(ledger, actor=actor, now=NOW, about=about) as uow:
        person = "" if expected.person is None else str(expected.person)
        assert heard(uow.connection) == (person, expected.reach)
        uow.record(Event(kind=Kind.SIGNED_IN))


def test_a_reader_may_be_about_one_person(ledger: Ledger) -> None:
    on_postgresql(ledger.engine)
    with ledger.read() as connection:
        assert heard(connection) == ("", Reach.SERVICE)
    with ledger.read(SHE) as connection:
        assert heard(connection) == (str(SHE), Reach.PERSON)


@pytest.mark.parametrize("at_driver", [False, True])
def test_the_scope_costs_no_round_trip(engine: Engine, tmp_path: Path, *, at_driver: bool) -> None:
    """It goes out with BEGIN: the server is waited for as often as without."""
    on_postgresql(engine)
    waits = [
        _waits(engine, scope, tmp_path / "trace", at_driver) for scope in (None, Scope.of(SHE))
    ]
    assert waits[0] == waits[1] > 0


def _waits(engine: Engine, scope: Scope | None, file: Path, at_driver: bool) -> int:
    """How often a transaction with one statement waits for the server: at each Query and Sync."""
    asked = PreparedSelect(select(literal(1)))
    with engine.connect() as connection:
        for traced in (False, True):  # what is prepared is prepared by then
            driver = connection.connection.driver_connection
            assert driver is not None
            with file.open("wb") as trace, connection.begin():
                set_scope(connection, scope)
                if traced:
                    driver.pgconn.trace(trace.fileno())
                if at_driver:
                    asked.rows(connection, {})
                else:
                    connection.execute(text("SELECT 1"))
                driver.pgconn.untrace()
        messages = [line.split("\t") for line in file.read_text().splitlines()]
        return sum(each[1] == "F" and each[3].strip() in {"Query", "Sync"} for each in messages)
