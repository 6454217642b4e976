"""The service works under a role that owns nothing, and that role is all it needs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text

from audit.database import open_engine
from audit.model import Kind
from policies.vocabulary import Role
from service.app import create_app
from service.cli.main import main
from service.migrations.upgrade import upgrade
from tests.postgres import schema_of_its_own
from tests.service.house import FriendlyProvider, House, form_of
from tests.service.office import Office, open_office


@pytest.fixture
def owner(postgresql_url: str) -> Iterator[Engine]:
    """A migrated database, opened by its owner."""
    with schema_of_its_own(postgresql_url) as url:
        engine = open_engine(url)
        upgrade(engine)
        yield engine
        engine.dispose()


@pytest.fixture
def role(owner: Engine) -> Iterator[str]:
    name = f"app_{uuid4().hex}"
    with owner.begin() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD 'app'"))
    yield name
    with owner.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))


def command(engine: Engine, folder: Path, *typed: str) -> tuple[int, str]:
    environment = {
        "CONSENT_VAULT_BASE_URL": "https://vault.example.fi",
        "CONSENT_VAULT_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "CONSENT_VAULT_DATA_FOLDER": str(folder / "keys"),
    }
    result = CliRunner().invoke(main, typed, env=environment)
    return result.exit_code, result.output


@pytest.fixture
def office(owner: Engine, role: str, tmp_path: Path) -> Iterator[Office]:
    """The service under the role."""
    assert command(owner, tmp_path, "db", "role", role)[0] == 0
    url = owner.url.set(username=role, password="app").render_as_string(hide_password=False)
    opened = open_office(url, tmp_path)
    yield opened
    opened.runtime.close()


def test_programs_are_served(office: Office) -> None:
    consent = office.given()
    tokens = office.tokens(consent)
    assert office.fetch(tokens["access_token"]).status == 200
    assert office.by_law().status == 200
    asked = {"token": tokens["access_token"]}
    assert office.send(office.program.form("/oauth/introspect", asked)).status == 200
    assert office.send(office.program.form("/oauth/revoke", asked)).status == 200
    office.withdraw(consent)
    assert office.fetch(tokens["access_token"]).status == 403
    assert office.runtime.sequencer.run_once(office.clock()) is not None


def test_time_does_its_work(office: Office) -> None:
    for _ in range(600):  # one in 256 sweeps away what has had its time
        office.push()
    office.given()
    office.clock.advance(days=5000)
    assert office.runtime.expiry.run_once(office.clock()) > 0


def test_pages_are_served(office: Office) -> None:
    provider = FriendlyProvider()
    runtime = replace(office.runtime, identity_provider=provider)
    house = House(runtime, create_app(runtime), office.clock, provider, {})
    browser = house.signed_in(role=Role.AUDITOR)
    for page in ("/en/", "/en/log?show=all", "/en/log.json", "/en/settings", "/en/audit"):
        assert browser.get(page).status_code == 200, page
    leave = form_of(browser.get("/en/").text, "/en/sign-out")
    gone = browser.post(
        "/en/sign-out",
        content=urlencode(leave),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert gone.status_code == 303
    assert office.events(Kind.SIGNED_OUT)


def test_a_role_that_is_not_there_is_named_with_its_repair(owner: Engine, tmp_path: Path) -> None:
    code, told = command(owner, tmp_path, "db", "role", "nobody_of_that_name")
    assert code == 1
    assert "no such role" in told
    assert "CREATE ROLE" in told


def test_the_owner_itself_is_refused(owner: Engine, tmp_path: Path) -> None:
    with owner.connect() as connection:
        name = connection.execute(text("SELECT current_user")).scalar_one()
    code, told = command(owner, tmp_path, "db", "role", name)
    assert code == 1
    assert "cannot be limited" in told


def test_a_name_is_never_read_as_more_than_a_name(owner: Engine, tmp_path: Path) -> None:
    code, told = command(owner, tmp_path, "db", "role", "x; DROP TABLE audit_event")
    assert code == 1
    assert "no such role" in told


def test_on_sqlite_the_command_says_that_there_are_no_roles(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
    code, told = command(engine, tmp_path, "db", "role", "app")
    engine.dispose()
    assert code == 1
    assert "SQLite has no roles" in told


def test_a_role_gets_what_it_needs_and_loses_what_it_had(
    owner: Engine, role: str, tmp_path: Path
) -> None:
    with owner.begin() as connection:
        connection.execute(text(f"GRANT ALL ON audit_event, service_session TO {role}"))
    assert command(owner, tmp_path, "db", "role", role)[0] == 0
    held = text(
        "SELECT privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee = :role AND table_name = :table AND table_schema = current_schema()"
    )
    with owner.connect() as connection:
        for table, rights in (
            ("audit_event", {"SELECT", "INSERT"}),
            ("vault_deposit", {"SELECT", "INSERT", "DELETE"}),
            ("audit_queue", {"SELECT", "INSERT", "DELETE"}),
            ("service_session", {"SELECT", "INSERT", "UPDATE", "DELETE"}),
            ("alembic_version", {"SELECT"}),
        ):
            found = connection.execute(held, {"role": role, "table": table}).scalars()
            assert set(found) == rights, table
