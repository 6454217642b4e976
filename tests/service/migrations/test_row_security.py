"""The second wall: what the role of the service sees of other people, whatever a statement asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from audit.database import open_engine
from audit.model import SYSTEM, Actor
from audit.scope import EVERYONE, SERVICE, Reach, Scope, set_scope, turn_to
from audit.unit_of_work import begin
from policies.ids import PersonId, new_uuid
from service.doctor.database import check_guards
from service.migrations import row_security
from service.migrations.guards import TABLES
from service.migrations.rights import Purpose
from service.migrations.row_security import PERSON, ROOMS, policies
from service.migrations.upgrade import upgrade
from tests.service.migrations.serving import migrated, opened_for, role_for
from tests.service.office import Office, open_office
from vault.people import IDENTITY_SCHEME, enrol

OTHER_CODE = "020299-905M"
CORE = ("vault_person", "vault_person_key", "vault_record", "vault_record_version", "vault_deposit")
INDEX = ("vault_identifier", "vault_pairwise")
ANEW = "DROP POLICY rows_of_person ON vault_record; CREATE POLICY rows_of_person ON vault_record "
CONSENTS = ("consent_consent", "consent_record", "consent_token", "consent_pushed_request")


@pytest.fixture(scope="module")
def owner(postgresql_url: str) -> Iterator[Engine]:
    with migrated(postgresql_url) as engine:
        yield engine


@pytest.fixture(scope="module")
def office(owner: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The service under its role, with one person who has given a consent."""
    with role_for(owner, Purpose.APPLICATION) as url:
        folder = tmp_path_factory.mktemp("office")
        opened = open_office(url.render_as_string(hide_password=False), folder)
        assert opened.fetch(opened.tokens()["access_token"]).status == 200
        yield opened
        opened.runtime.close()


@pytest.fixture
def application(office: Office) -> Engine:
    """The database as the service has it."""
    return office.runtime.ledger.engine


@pytest.fixture
def stranger(office: Office) -> PersonId:
    """Somebody else, who is in the vault too."""
    ledger, vault = office.runtime.ledger, office.runtime.vault
    with begin(ledger, actor=SYSTEM, now=office.clock()) as uow:
        return enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=OTHER_CODE)


def seen(engine: Engine, table: str, scope: Scope | None) -> int:
    """How many rows a statement without any condition finds."""
    with engine.connect() as connection:
        set_scope(connection, scope)
        found: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
        return found


@pytest.mark.parametrize("table", [*CORE, *INDEX, *CONSENTS])
def test_without_a_scope_the_role_sees_nobody(office: Office, table: str) -> None:
    assert seen(office.runtime.ledger.engine, table, None) == 0


@pytest.mark.parametrize("table", [*CORE, *INDEX, *CONSENTS])
def test_a_person_sees_her_own_rows_and_a_stranger_none_of_them(
    office: Office, owner: Engine, table: str
) -> None:
    engine = office.runtime.ledger.engine
    with owner.connect() as connection:
        hers = f"SELECT count(*) FROM {table} WHERE person_id = :person"
        expected = connection.execute(text(hers), {"person": office.person}).scalar_one()
    assert seen(engine, table, Scope.of(office.person)) == expected > 0
    assert seen(engine, table, Scope.of(PersonId(new_uuid()))) == 0


@pytest.mark.parametrize("table", CORE)
def test_the_service_sees_of_the_vault_only_whom_it_turned_to(office: Office, table: str) -> None:
    engine = office.runtime.ledger.engine
    assert seen(engine, table, SERVICE) == 0
    assert seen(engine, table, Scope(Reach.SERVICE, office.person)) > 0


@pytest.mark.parametrize("table", [*INDEX, *CONSENTS])
def test_the_service_looks_people_up_by_what_is_presented(office: Office, table: str) -> None:
    assert seen(office.runtime.ledger.engine, table, SERVICE) > 0


@pytest.mark.parametrize("table", CORE)
def test_everyone_is_seen_by_whoever_says_so(
    office: Office, stranger: PersonId, owner: Engine, table: str
) -> None:
    engine = office.runtime.ledger.engine
    assert seen(engine, table, EVERYONE) == seen(owner, table, None) > 0
    assert stranger != office.person


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vault_person SET key_version = 9",
        "DELETE FROM vault_person_key",
        "UPDATE vault_record SET current = 1",
        "DELETE FROM vault_record_version",
        "UPDATE consent_consent SET status = 'withdrawn'",
        "DELETE FROM service_role",
    ],
)
def test_a_change_reaches_no_row_of_another(
    application: Engine, stranger: PersonId, change: str
) -> None:
    with application.connect() as connection:
        set_scope(connection, Scope.of(PersonId(new_uuid())))
        assert connection.execute(text(change)).rowcount == 0
    assert seen(application, "vault_person", Scope.of(stranger)) == 1


def test_identifiers_are_read_by_the_service_and_changed_by_nobody_else(
    application: Engine, office: Office
) -> None:
    with application.connect() as connection:
        set_scope(connection, SERVICE)
        assert connection.execute(text("DELETE FROM vault_identifier")).rowcount == 0
        turn_to(connection, office.person)
        assert connection.execute(text("DELETE FROM vault_identifier")).rowcount == 1


def test_a_row_about_another_person_cannot_be_written(
    application: Engine, office: Office, stranger: PersonId
) -> None:
    row = "INSERT INTO vault_person_key VALUES (:person, 7, 'x', now())"
    with application.connect() as connection:
        set_scope(connection, Scope.of(office.person))
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(text(row), {"person": stranger})


def test_a_row_cannot_be_given_to_another_person(
    application: Engine, office: Office, stranger: PersonId
) -> None:
    move = "UPDATE consent_consent SET person_id = :person"
    with application.connect() as connection:
        set_scope(connection, Scope.of(office.person))
        with pytest.raises(ProgrammingError, match="row-level security"):
            connection.execute(text(move), {"person": stranger})


def test_nothing_of_a_scope_is_left_for_the_next_user_of_the_connection(
    application: Engine, office: Office
) -> None:
    told = "SELECT current_setting('consent_vault.person', true)"
    with application.connect() as connection:
        set_scope(connection, Scope.of(office.person))
        assert connection.execute(text(told)).scalar_one() == str(office.person)
        connection.commit()
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.execute(told).fetchone() in {("",), (None,)}
        driver.rollback()
    assert seen(application, "vault_person", None) == 0


def test_a_malformed_person_is_an_error_and_no_open_door(application: Engine) -> None:
    with application.connect() as connection:
        connection.execute(text("SET LOCAL consent_vault.person = 'everyone'"))
        with pytest.raises(DBAPIError, match="invalid input syntax"):
            connection.execute(text("SELECT * FROM vault_person"))


def test_a_unit_of_work_of_a_person_is_held_to_her(office: Office, stranger: PersonId) -> None:
    actor = Actor.person(office.person)
    with begin(office.runtime.ledger, actor=actor, now=office.clock()) as uow:
        assert _people(uow.connection) == [office.person]
    with office.runtime.ledger.read(stranger) as connection:
        assert _people(connection) == [stranger]


def test_the_owner_and_its_backups_pass(owner: Engine, office: Office) -> None:
    with owner.connect() as connection:
        assert office.person in _people(connection)


def test_every_table_of_the_rooms_that_carries_a_person_has_a_policy() -> None:
    guarded = {each.table for each in policies()}
    carries = {t.name for t in TABLES if PERSON in t.columns and t.name.startswith(ROOMS)}
    assert guarded == carries
    assert {*CORE, *INDEX, *CONSENTS} <= guarded


def test_what_an_owner_took_away_the_next_upgrade_makes_again(postgresql_url: str) -> None:
    with migrated(postgresql_url) as engine:
        with engine.begin() as connection:
            assert row_security.missing(connection) == []
            connection.execute(text("ALTER TABLE vault_record DISABLE ROW LEVEL SECURITY"))
            connection.execute(text("DROP POLICY rows_to_look_up ON vault_identifier"))
        with engine.begin() as connection:
            gone = [(each.table, each.name) for each in row_security.missing(connection)]
        assert gone == [
            ("vault_identifier", "rows_to_look_up"),
            ("vault_record", "rows_of_person"),
        ]
        found = check_guards(engine)
        assert found.found == (
            "vault_identifier lacks its row-level security,"
            " vault_record lacks its row-level security"
        )
        assert "db upgrade" in found.repair
        upgrade(engine)
        assert check_guards(engine).ok
        with engine.begin() as connection:
            assert row_security.missing(connection) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER POLICY rows_of_person ON vault_record USING (true)",
        "ALTER POLICY rows_of_person ON vault_record WITH CHECK (true)",
        "ALTER POLICY rows_of_person ON vault_record TO CURRENT_USER",
        ANEW + "FOR SELECT USING ({rows})",
        ANEW + "FOR INSERT WITH CHECK ({rows})",
        ANEW + "AS RESTRICTIVE USING ({rows})",
    ],
)
def test_a_policy_that_does_something_else_is_found_and_made_again(
    owner: Engine, change: str
) -> None:
    (policy,) = (each for each in policies() if each.table == "vault_record")
    with owner.connect() as connection:
        for statement in change.format(rows=policy.rows).split(";"):
            connection.execute(text(statement))
        assert row_security.missing(connection) == [policy]
        assert row_security.restore(connection) == [policy]
        assert row_security.missing(connection) == []
        connection.rollback()


def test_a_policy_of_somebody_else_is_found_and_taken_away(owner: Engine) -> None:
    """Policies add up: one that lets everything through opens what ours close."""
    open_to_all = 'CREATE POLICY "for all" ON vault_record FOR SELECT USING (true)'
    with owner.begin() as connection:
        connection.execute(text(open_to_all))
        assert row_security.missing(connection) == []
        assert row_security.foreign(connection) == [("vault_record", "for all")]
    found = check_guards(owner)
    assert "vault_record has the policy for all" in found.found
    assert "db upgrade" in found.repair
    upgrade(owner)
    assert check_guards(owner).ok


def test_policies_on_tables_that_are_not_guarded_are_nobodys_business(owner: Engine) -> None:
    with owner.connect() as connection:
        connection.execute(text("CREATE TABLE elsewhere (person_id uuid)"))
        connection.execute(text("CREATE POLICY theirs ON elsewhere USING (true)"))
        assert row_security.foreign(connection) == []
        connection.rollback()


def test_sqlite_has_no_policies_and_misses_none(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    upgrade(engine)
    with engine.connect() as connection:
        assert row_security.missing(connection) == []
        assert row_security.foreign(connection) == []
    engine.dispose()


def test_who_sequences_reaches_nothing_but_the_log(owner: Engine) -> None:
    with opened_for(owner, Purpose.SEQUENCER) as engine, engine.connect() as connection:
        for table in (*CORE, *INDEX, *CONSENTS, "audit_about", "service_session"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text(f"SELECT * FROM {table}"))
            connection.rollback()


def test_an_auditor_reads_the_log_and_writes_nothing(owner: Engine) -> None:
    with opened_for(owner, Purpose.AUDITOR) as engine, engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit_event")).scalar_one() > 0
        for refused in (
            "SELECT * FROM audit_key",
            "SELECT * FROM audit_about",
            "SELECT * FROM consent_record",
            "SELECT * FROM vault_record_version",
            "INSERT INTO audit_queue VALUES (1)",
            "DELETE FROM audit_search",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"):
                connection.execute(text(refused))
            connection.rollback()


def test_a_stranger_without_rights_reads_nothing(owner: Engine) -> None:
    with opened_for(owner, None) as engine, engine.connect() as connection:
        for table in (*CORE, *CONSENTS, "audit_event"):
            with pytest.raises(ProgrammingError):
                connection.execute(text(f"SELECT * FROM {table}"))
            connection.rollback()


def _people(connection: Connection) -> list[PersonId]:
    return [
        PersonId(i)
        for i in connection.execute(text("SELECT person_id FROM vault_person")).scalars()
    ]
