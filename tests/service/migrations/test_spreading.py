"""Tables of the vault in partitions by person: made so for real, and all goes on as before."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate.api import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from sqlalchemy import Engine, MetaData, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from audit.database import open_engine
from audit.model import SYSTEM
from audit.unit_of_work import begin
from service.cli.main import main
from service.completeness import check_installation
from service.migrations import row_security
from service.migrations.guards import weak
from service.migrations.rights import Purpose
from service.migrations.spreading import MOST_PARTS, SpreadError, spread, spread_tables
from service.migrations.tables import ROOMS, is_in_model
from tests.service.migrations.serving import migrated, role_for
from tests.service.office import Office, content, deposit_values, open_office
from vault.people import IDENTITY_SCHEME, enrol

PARTS = 4
NAMES = [each.name for each in spread_tables()]


@pytest.fixture(scope="module")
def owner(postgresql_url: str) -> Iterator[Engine]:
    with migrated(postgresql_url) as engine:
        yield engine


@pytest.fixture(scope="module")
def office(owner: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A service whose tables were whole when it began, under its role."""
    with role_for(owner, Purpose.APPLICATION) as url:
        folder = tmp_path_factory.mktemp("office")
        opened = open_office(url.render_as_string(hide_password=False), folder)
        with owner.begin() as connection:
            assert spread(connection, PARTS) == NAMES
        opened.runtime.ledger.engine.dispose()
        yield opened
        opened.runtime.close()


def test_what_was_kept_before_opens_afterwards(office: Office) -> None:
    token = content(office.by_law())["access_token"]
    answer = office.send(office.authority.get("/api/v1/data/income", token))
    assert answer.status == 200
    assert content(answer)["attributes"]["income.monthly_gross"]["value"] == 315_050


def test_a_deposit_and_a_release_after_it(office: Office) -> None:
    runtime = office.runtime
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        deposit_values(uow, runtime, office.person, "income", {"monthly_gross": 400_000})
    answer = office.fetch(office.tokens()["access_token"])
    assert answer.status == 200
    assert content(answer)["attributes"]["income.monthly_gross"]["value"] == 400_000


def test_many_people_lie_in_all_partitions_and_each_opens(office: Office, owner: Engine) -> None:
    runtime = office.runtime
    for number in range(40):
        with begin(runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
            enrol(uow, runtime.vault, scheme="urn:example:number", identifier=str(number))
    with owner.connect() as connection:
        for part in range(PARTS):
            counted = f"SELECT count(*) FROM vault_person_p{part}"
            assert connection.execute(text(counted)).scalar_one() > 0
    with begin(runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        found = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier="010199-9012")
    assert found == office.person


def test_a_question_about_a_person_reaches_one_partition(office: Office, owner: Engine) -> None:
    asked = (
        "EXPLAIN (FORMAT JSON) SELECT * FROM vault_record JOIN vault_record_version"
        " USING (person_id, record_id) JOIN vault_person_key USING (person_id)"
        f" WHERE person_id = '{office.person}'"
    )
    with owner.connect() as connection:
        plan = json.dumps(connection.execute(text(asked)).scalar_one())
    for table in ("vault_record_p", "vault_record_version_p", "vault_person_key_p"):
        assert sum(f'"{table}{part}"' in plan for part in range(PARTS)) == 1


def test_the_guards_and_the_second_wall_stand_as_before(office: Office, owner: Engine) -> None:
    with owner.connect() as connection:
        assert weak(connection) == []
        assert row_security.missing(connection) == []
    with office.runtime.ledger.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM vault_record")).scalar_one() == 0
    with office.runtime.ledger.read(office.person) as connection:
        assert connection.execute(text("SELECT count(*) FROM vault_record")).scalar_one() > 0
        with pytest.raises(DBAPIError, match="permission denied"):
            connection.execute(text("SELECT * FROM vault_record_p0"))


@pytest.mark.parametrize("place", ["vault_record_version", "vault_record_version_p{part}"])
def test_a_version_cannot_be_changed_in_a_partition_either(
    office: Office, owner: Engine, place: str
) -> None:
    del office
    with owner.connect() as connection:
        for part in range(PARTS):
            row = text(f"SELECT count(*) FROM vault_record_version_p{part}")
            if connection.execute(row).scalar_one():
                changed = f"UPDATE {place.format(part=part)} SET authority = 1"
                with pytest.raises(DBAPIError, match="insert-only"):
                    connection.execute(text(changed))
                return
    pytest.fail("there is no version")


def test_an_event_has_one_row_at_most(office: Office, owner: Engine) -> None:
    twin = (
        "INSERT INTO vault_deposit SELECT person_id, gen_random_uuid(), dataset, source,"
        " '\\x00', received_at, audit_event_id FROM vault_deposit LIMIT 1"
    )
    del office
    with owner.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text(twin))


def test_the_log_is_complete(office: Office) -> None:
    office.runtime.sequencer.run_once(office.clock())
    assert check_installation(office.runtime.ledger, actor=SYSTEM, now=office.clock()).ok


def test_the_tables_are_still_those_that_the_rooms_declare(owner: Engine, office: Office) -> None:
    del office
    declared = MetaData()
    for table in (table for room in ROOMS for table in room.sorted_tables):
        table.to_metadata(declared)
    with owner.connect() as connection:
        opts = {"compare_type": True, "include_object": is_in_model(connection)}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, declared) == []


def test_a_second_time_there_is_nothing_to_do(owner: Engine, office: Office) -> None:
    del office
    with owner.begin() as connection:
        assert spread(connection, PARTS) == []


@pytest.mark.parametrize("parts", [-1, 0, 1, MOST_PARTS + 1])
def test_a_number_that_is_none_is_refused(owner: Engine, parts: int) -> None:
    with owner.connect() as connection, pytest.raises(SpreadError, match="no number of parts"):
        spread(connection, parts)


def test_on_sqlite_the_command_says_that_there_are_no_partitions(tmp_path: Path) -> None:
    open_engine(f"sqlite:///{tmp_path / 'vault.db'}").dispose()
    environment = {
        "CONSENT_VAULT_BASE_URL": "https://vault.example.fi",
        "CONSENT_VAULT_DATABASE_URL": f"sqlite:///{tmp_path / 'vault.db'}",
        "CONSENT_VAULT_DATA_FOLDER": str(tmp_path / "keys"),
    }
    result = CliRunner().invoke(main, ["db", "spread"], env=environment)
    assert result.exit_code == 1
    assert "SQLite has no partitions" in result.output


def test_the_command_spreads_as_the_owner(postgresql_url: str, tmp_path: Path) -> None:
    with migrated(postgresql_url) as engine:
        environment = {
            "CONSENT_VAULT_BASE_URL": "https://vault.example.fi",
            "CONSENT_VAULT_DATABASE_URL": engine.url.render_as_string(hide_password=False),
            "CONSENT_VAULT_DATA_FOLDER": str(tmp_path / "keys"),
        }
        result = CliRunner().invoke(main, ["db", "spread", "--parts", "2"], env=environment)
    assert result.output == f"{len(NAMES)} tables spread over 2 partitions each\n"
