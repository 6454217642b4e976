"""The nightly erasure: once in a night, each person alone, and the rest is not held up by one."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from audit.model import Actor, Kind
from audit.reader import search
from audit.scope import EVERYONE
from audit.unit_of_work import begin
from policies.ids import PersonId
from service.erasing import erase
from service.retention import RetentionJob
from tests.service.house import VILLE, House
from tests.unguarded import unguard
from vault.erasure import Request
from vault.erasure_statement import KEPT, statement
from vault.holdings import describe

OLD = timedelta(days=4000)


@pytest.fixture
def job(house: House) -> RetentionJob:
    return RetentionJob(house.runtime.ledger, house.runtime.vault)


@pytest.fixture
def people(house: House) -> list[PersonId]:
    found = [house.person(), house.person(VILLE)]
    for each in found:
        house.deposit(each)
    return found


def held(house: House, person: PersonId) -> bool:
    with house.runtime.ledger.read(EVERYONE) as connection:
        return bool(describe(connection, person))


def kinds(house: House) -> list[Kind | None]:
    with house.runtime.ledger.read() as connection:
        return [each.kind for each in search(connection, house.runtime.ledger)]


def test_nothing_is_over_yet(house: House, people: list[PersonId], job: RetentionJob) -> None:
    assert job.run_once(house.clock()) == 0
    assert Kind.DATA_EXPIRED not in kinds(house)
    assert all(held(house, each) for each in people)


def test_what_is_over_goes_once_in_a_night(
    house: House, people: list[PersonId], job: RetentionJob
) -> None:
    night = house.clock() + OLD
    assert job.run_once(night) == 2
    assert not any(held(house, each) for each in people)
    house.clock.at = night - timedelta(days=4000)
    house.deposit(people[0], {"income.employer": "Oy"})
    assert job.run_once(night + timedelta(hours=1)) == 0  # this night is done
    assert job.run_once(night + timedelta(days=1)) == 1


def test_a_record_that_does_not_open_holds_up_nobody_else(
    house: House, people: list[PersonId], job: RetentionJob
) -> None:
    with house.runtime.ledger.engine.begin() as connection:
        unguard(connection, "vault_person")
        connection.exec_driver_sql(
            "UPDATE vault_person SET pairwise_seed = zeroblob(120) WHERE person_id = ?",
            (people[0].hex,),
        )
    with capture_logs() as logs:
        assert job.run_once(house.clock() + OLD) == 1
    assert [each["event"] for each in logs] == ["retention-stopped-at-a-record"]
    assert people[0].hex not in str(logs)
    assert [held(house, each) for each in people] == [True, False]


def test_what_goes_wrong_with_one_person_holds_up_nobody_else(
    house: House, people: list[PersonId], job: RetentionJob
) -> None:
    with house.runtime.ledger.engine.begin() as connection:
        unguard(connection, "vault_record_version")
        # A label that a newer program has written.
        newer = "UPDATE vault_record_version SET labels = 'unheard-of' WHERE person_id = :person"
        connection.execute(text(newer), {"person": people[0].hex})
    with capture_logs() as logs:
        assert job.run_once(house.clock() + OLD) == 1
    assert not held(house, people[1])
    assert [each["event"] for each in logs] == ["retention-stopped-at-a-person"]
    assert people[0].hex not in str(logs)


def test_what_has_left_the_catalogue_goes_and_holds_up_nothing(
    house: House, people: list[PersonId], job: RetentionJob
) -> None:
    with house.runtime.ledger.engine.begin() as connection:
        first = "(SELECT min(attribute) FROM vault_record WHERE person_id = :person)"
        statement = (
            "UPDATE vault_record SET attribute = 'horoscope.sign', dataset = 'horoscope'"
            f" WHERE person_id = :person AND attribute = {first}"
        )
        connection.execute(text(statement), {"person": people[0].hex})
    with capture_logs() as logs:
        job.run_once(house.clock() + OLD)
    assert logs == []
    assert [held(house, each) for each in people] == [False, False]


def test_who_is_told_to_end_goes_on_the_next_time(
    house: House, people: list[PersonId], job: RetentionJob
) -> None:
    job.end_soon()
    assert job.run_once(house.clock() + OLD) == 0
    assert all(held(house, each) for each in people)


def test_statements_go_when_they_were_kept_long_enough(
    house: House, people: list[PersonId], job: RetentionJob
) -> None:
    actor = Actor.person(people[0])
    with begin(house.runtime.ledger, actor=actor, now=house.clock()) as uow:
        made, _ = erase(uow, house.runtime, people[0], Request.by_wish())
    job.run_once(house.clock() + KEPT)
    assert Kind.ROWS_SWEPT in kinds(house)
    with house.runtime.ledger.read(EVERYONE) as connection:
        assert statement(connection, made.id, now=house.clock()) is None
