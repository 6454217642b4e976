"""Erasing under the role of the service on PostgreSQL: its rights and the second wall let it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from audit.insert_only import Growth, growth_of
from audit.model import Actor
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from policies.ids import DatasetId, PersonId
from service.erasing import erase, let_go
from service.retention import RetentionJob
from tests.service.api.test_feed import ask
from tests.service.migrations.serving import migrated, office_as_the_service
from tests.service.office import Office, content
from vault.erasure import Request
from vault.erasure_statement import statement
from vault.holdings import describe
from vault.replay import replay
from vault.store.erasures import STAY, of_people

INCOME = DatasetId("income")


@pytest.fixture
def owner(postgresql_url: str) -> Iterator[Engine]:
    with migrated(postgresql_url) as engine:
        yield engine


@pytest.fixture
def office(owner: Engine, tmp_path: Path) -> Iterator[Office]:
    with office_as_the_service(owner, tmp_path) as opened:
        yield opened


def erased(office: Office, dataset: DatasetId | None = None) -> None:
    runtime, actor = office.runtime, Actor.person(office.person)
    with begin(runtime.ledger, actor=actor, now=office.clock()) as uow:
        made, _ = erase(uow, runtime, office.person, Request.by_wish(), dataset)
    with runtime.ledger.read(EVERYONE) as connection:
        assert statement(connection, made.id, now=office.clock()) is not None


def left(owner: Engine, person: PersonId) -> set[str]:
    """The vault's tables that still hold something about the person, as the owner sees them."""
    with owner.connect() as connection:
        query = "SELECT count(*) FROM {} WHERE person_id = :person"
        return {
            table.name
            for table in of_people()
            if connection.execute(text(query.format(table.name)), {"person": person}).scalar_one()
        }


def test_whatever_goes_with_a_person_may_be_deleted() -> None:
    kept = {each.name for each in of_people() if growth_of(each) is Growth.INSERT_ONLY}
    assert kept == {each.name for each in STAY}


def test_everything_goes(office: Office, owner: Engine) -> None:
    token = office.tokens()["access_token"]
    assert office.fetch(token).status == 200
    erased(office)
    assert left(owner, office.person) == {"vault_erasure", "vault_erasure_statement"}
    assert office.fetch(token).status != 200


@pytest.mark.parametrize("dataset", [None, INCOME])
def test_whoever_has_got_it_is_told(office: Office, dataset: DatasetId | None) -> None:
    tokens = office.tokens()
    subject = tokens["authorization_details"][0]["subject"]["id"]
    assert office.fetch(tokens["access_token"]).status == 200
    office.clock.advance(seconds=1)
    erased(office, dataset)
    told = content(ask(office, office.program))["events"]
    assert [each["subject"] for each in told if each["type"] == "data.erased"] == [subject]


def test_one_data_set_goes(office: Office, owner: Engine) -> None:
    erased(office, INCOME)
    with office.runtime.ledger.read(office.person) as connection:
        assert INCOME not in {each.dataset for each in describe(connection, office.person)}
    assert "vault_person_key" in left(owner, office.person)


def test_old_values_go_and_nobody_is_missed(office: Office, owner: Engine) -> None:
    job = RetentionJob(office.runtime.ledger, office.runtime.vault)
    assert job.run_once(office.clock() + timedelta(days=20_000)) >= 1
    assert "vault_record" not in left(owner, office.person)


def test_a_replay_finds_its_people(office: Office) -> None:
    journal, runtime = office.runtime.ledger.journal, office.runtime
    assert journal is not None
    erased(office)
    found = replay(runtime.ledger, runtime.vault, journal, now=office.clock(), also=let_go)
    assert (found.erased, found.ended, found.faults) == (0, 0, ())
    assert found.nothing_to_do >= 1
