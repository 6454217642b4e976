"""Keys in the background: what an operator began goes on, and what is destroyed is forgotten."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.model import SYSTEM, Kind
from audit.reader import search
from audit.unit_of_work import begin
from service.key_jobs import FreshKeysJob, KeyRotationJob
from tests.vault.given import NOW
from tests.vault.ring_house import LATER, House, with_people
from vault.providers.file import FileKeyProvider, KeyFolder
from vault.resealing import Rotation, begin_rotation, last_rotation

PEOPLE = 3


@pytest.fixture
def house(engine: Engine) -> House:
    return with_people(engine, PEOPLE)


@pytest.fixture
def job(house: House) -> KeyRotationJob:
    return KeyRotationJob(house.ledger, house.provider, house.vault)


def test_without_a_rotation_nothing_is_done(house: House, job: KeyRotationJob) -> None:
    before = house.kinds()
    assert job.run_once(NOW) == (0, 0)
    assert house.kinds() == before


def test_keys_that_are_left_are_wrapped_anew_and_no_key_is_destroyed(
    house: House, job: KeyRotationJob
) -> None:
    house.begin()
    assert job.run_once(LATER) == (PEOPLE * 2, 0)
    assert house.keys() == [("file:1", 0, 0), ("file:2", PEOPLE, PEOPLE + 1)]
    assert job.run_once(LATER) == (0, 0)
    assert Kind.EPOCH_CLOSED not in house.kinds()


def test_people_who_are_left_get_their_keys(house: House, job: KeyRotationJob) -> None:
    with begin(house.ledger, actor=SYSTEM, now=LATER) as uow:
        begin_rotation(uow)
    assert job.run_once(LATER) == (0, PEOPLE)
    with house.ledger.read() as connection:
        assert last_rotation(connection) == Rotation(1, LATER, LATER)
        assert len(search(connection, house.ledger, kind=Kind.DATA_RESEALED)) == PEOPLE
    assert job.run_once(LATER) == (0, 0)


def test_a_job_that_is_to_stop_leaves_the_rest_to_the_next(
    house: House, job: KeyRotationJob
) -> None:
    house.begin()
    job.end_soon()
    assert job.run_once(LATER) == (0, 0)
    assert KeyRotationJob(house.ledger, house.provider, house.vault).run_once(LATER)[0] > 0


def test_a_key_that_another_process_destroyed_is_forgotten(tmp_path: Path) -> None:
    folder = KeyFolder.open_or_create(tmp_path / "keys")
    serving = FileKeyProvider.open_or_create(folder.path)
    operator = FileKeyProvider.open_or_create(folder.path)
    wrapped = serving.wrap(bytes(32), b"")
    operator.add_key()
    operator.destroy("file:1")
    assert serving.unwrap(wrapped, b"") == bytes(32)  # in memory until somebody looks
    assert FreshKeysJob(serving).run_once(NOW) == ("file:2",)
    assert list(serving._keys) == [2]
