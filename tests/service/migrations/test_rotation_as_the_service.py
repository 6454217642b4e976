"""Keys are rotated under the role of the service: it may do that, and change nothing written."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from audit.database import open_engine
from audit.model import SYSTEM
from audit.unit_of_work import begin
from service.migrations.rights import Purpose
from tests.service.migrations.serving import migrated, role_for
from tests.vault.given import GROSS, deposited, fact, viewed
from tests.vault.ring_house import LATER, House
from vault.providers.file import FileKeyProvider
from vault.resealing import begin_rotation, reseal_everyone
from vault.sealed_check import differing_deposits

PEOPLE = 3


@pytest.fixture(scope="module")
def owner(postgresql_url: str) -> Iterator[Engine]:
    with migrated(postgresql_url) as engine:
        yield engine


@pytest.fixture(scope="module")
def house(owner: Engine) -> Iterator[House]:
    with role_for(owner, Purpose.APPLICATION) as url:
        engine = open_engine(url.render_as_string(hide_password=False))
        yield House(engine, FileKeyProvider({1: os.urandom(32)}))
        engine.dispose()


def test_everything_is_wrapped_and_sealed_anew_behind_the_second_wall(house: House) -> None:
    people = [house.enrol(number) for number in range(PEOPLE)]
    for person in people:
        deposited(house.ledger, house.vault, person, fact(GROSS, 7))
    house.begin()
    assert house.rewrap()[-1].done == PEOPLE * 2 + 1
    assert house.finish() == ["file:1"]
    with begin(house.ledger, actor=SYSTEM, now=LATER) as uow:
        rotation = begin_rotation(uow)
    work = reseal_everyone(house.ledger, house.vault, rotation, actor=SYSTEM, clock=lambda: LATER)
    assert [*work][-1].done == PEOPLE
    for person in people:
        assert viewed(house.ledger, house.vault, person, GROSS).facts[0].value == 7
        with house.ledger.read(person) as connection:
            assert differing_deposits(connection, house.ledger, person) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_epoch SET key_id = key_id",
        "DELETE FROM audit_epoch",
        "UPDATE vault_key_rotation SET at = at",
        "DELETE FROM vault_key_rotation",
        "UPDATE vault_resealed SET digest = digest",
    ],
)
def test_no_step_that_was_taken_can_be_taken_back(house: House, change: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        house.engine.begin() as connection,
    ):
        connection.execute(text(change))
