"""The service behind PgBouncer in transaction mode, under its own role: no statement, no lock and
no scope rests on a session of the server."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import URL, Engine, bindparam, select, text
from sqlalchemy.exc import DBAPIError

from audit.completeness import alone
from audit.database import open_engine
from audit.driver import Statement, run
from audit.leadership import Leadership
from audit.model import SYSTEM, Event, Kind
from audit.prepared import PreparedSelect
from audit.scope import Scope, set_scope
from audit.unit_of_work import begin
from policies.ids import PersonId, new_uuid
from service.completeness import check_installation
from service.migrations.rights import Purpose
from service.settings import Pooler, Settings, SettingsError, load_settings
from tests.pooler import pooler
from tests.service.migrations.serving import migrated, role_for
from tests.service.office import Office, content, open_office

ECHO = PreparedSelect(select(bindparam("given", "word").label("given")))


@pytest.fixture(scope="module")
def owner(postgresql_url: str) -> Iterator[Engine]:
    with migrated(postgresql_url) as engine:
        yield engine


@pytest.fixture(scope="module")
def pool(owner: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    with (
        role_for(owner, Purpose.APPLICATION) as url,
        pooler(url, tmp_path_factory.mktemp("pooler")) as pooled,
    ):
        yield pooled


@pytest.fixture
def engine(pool: URL) -> Iterator[Engine]:
    opened = open_engine(pool.render_as_string(hide_password=False), pooled=True)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def office(pool: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    opened = open_office(
        pool.render_as_string(hide_password=False),
        tmp_path_factory.mktemp("office"),
        database_pooler=Pooler.TRANSACTION,
    )
    yield opened
    opened.runtime.close()


def test_without_the_setting_what_one_prepared_is_in_the_way_of_the_next(pool: URL) -> None:
    engine = open_engine(pool.render_as_string(hide_password=False))
    with engine.connect() as one, engine.connect() as other:
        with one.begin():
            assert ECHO.rows(one, {})
        with pytest.raises(DBAPIError, match="already exists"), other.begin():
            ECHO.rows(other, {})
    engine.dispose()


def test_statements_at_the_driver_run_on_any_session(engine: Engine) -> None:
    sessions = set()
    held = [engine.connect() for _ in range(3)]
    for _ in range(3):
        for connection in held:
            with connection.begin():
                assert ECHO.rows(connection, {})[0].given == "word"
                asked = [Statement("SELECT pg_backend_pid()"), Statement("SELECT $1::int", (7,))]
                pid, seven = run(connection, asked)
                assert seven.rows == [(7,)]
                sessions.add(pid.rows[0][0])
    for connection in held:
        connection.close()
    assert len(sessions) < len(held)


def test_a_whole_day_of_the_service(office: Office) -> None:
    consent = office.given()
    tokens = office.tokens(consent)
    assert office.fetch(tokens["access_token"]).status == 200
    assert office.by_law().status == 200
    asked = {"token": tokens["access_token"]}
    assert office.send(office.program.form("/oauth/introspect", asked)).status == 200
    office.withdraw(consent)
    assert office.fetch(tokens["access_token"]).status == 403
    assert office.runtime.sequencer.run_once(office.clock()) is not None
    assert office.runtime.expiry.run_once(office.clock()) == 0
    report = check_installation(office.runtime.ledger, actor=SYSTEM, now=office.clock())
    assert report.ok


def test_many_at_once_get_through_few_sessions(office: Office) -> None:
    token = content(office.by_law())["access_token"]
    statuses: list[int] = []

    def fetch() -> None:
        for _ in range(5):
            statuses.append(office.send(office.authority.get("/api/v1/data/income", token)).status)

    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert statuses == [200] * 40


def test_one_leads_although_both_may_get_the_same_session(engine: Engine) -> None:
    first, second = Leadership(engine), Leadership(engine)
    assert [first.taken(), second.taken(), first.taken(), second.taken()] == [True, False] * 2
    with engine.connect() as connection:  # others are not held up by who leads
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    first.give_up()
    assert second.taken()
    second.give_up()


def test_the_lead_of_other_work_is_another(engine: Engine) -> None:
    sequencer, jobs = Leadership(engine), Leadership(engine, "jobs")
    assert sequencer.taken()
    assert jobs.taken()
    sequencer.give_up()
    jobs.give_up()


def test_one_checks_at_a_time(office: Office) -> None:
    ledger = office.runtime.ledger
    with alone(ledger) as ours, alone(ledger) as theirs:
        assert [ours, theirs] == [True, False]
    with alone(ledger) as again:
        assert again


def test_a_scope_ends_with_its_transaction_whoever_gets_the_session(
    engine: Engine, office: Office
) -> None:
    told = text("SELECT current_setting('consent_vault.person', true)")
    for _ in range(5):
        with engine.connect() as connection:
            set_scope(connection, Scope.of(office.person))
            assert connection.execute(told).scalar_one() == str(office.person)
        with engine.connect() as connection:
            assert connection.execute(told).scalar_one() in {"", None}


def test_a_stranger_sees_nothing_through_the_pooler_either(engine: Engine, office: Office) -> None:
    asked = text("SELECT person_id FROM vault_person")
    with engine.connect() as connection:
        set_scope(connection, Scope.of(PersonId(new_uuid())))
        assert connection.execute(asked).all() == []
    with engine.connect() as connection:
        set_scope(connection, Scope.of(office.person))
        assert connection.execute(asked).scalar_one() == office.person


def test_a_transaction_that_fails_leaves_its_session_clean(office: Office) -> None:
    ledger = office.runtime.ledger
    for _ in range(4):
        with (
            pytest.raises(DBAPIError),
            begin(ledger, actor=SYSTEM, now=office.clock()) as uow,
        ):
            uow.connection.execute(text("SELECT * FROM no_such_table"))
        with begin(ledger, actor=SYSTEM, now=office.clock()) as uow:
            uow.record(Event(kind=Kind.SIGN_IN_BEGUN))


def test_the_setting_is_one_of_two_words(tmp_path_factory: pytest.TempPathFactory) -> None:
    given: dict[str, Any] = {
        "base_url": "https://vault.example.fi",
        "database_url": "postgresql+psycopg://vault@127.0.0.1/vault",
        "data_folder": tmp_path_factory.mktemp("keys"),
    }
    assert not Settings(**given).pooled
    assert Settings(**given, database_pooler=Pooler.TRANSACTION).pooled
    with pytest.raises(SettingsError, match="CONSENT_VAULT_DATABASE_POOLER"):
        load_settings({}, **given, database_pooler="statement")
