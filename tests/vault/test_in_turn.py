"""Steps that two operators take at once: on PostgreSQL a lock lets one of them wait.

Nothing is waited for here: whoever would have to wait is told at once that it takes too long. On
SQLite there is one writer at a time anyway.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from audit.database import open_engine
from audit.model import SYSTEM
from audit.store.epochs import lock_steps
from audit.unit_of_work import begin
from tests.postgres import schema_of_its_own
from tests.schema import create_tables
from tests.vault.given import NOW
from tests.vault.ring_house import LATER, House
from vault.providers.file import FileKeyProvider
from vault.resealing import Rotation, begin_rotation, reseal_everyone

IMPATIENT = "-clock_timeout=20"


@pytest.fixture(scope="module")
def house(postgresql_url: str) -> Iterator[House]:
    """A house without people, whose connections do not wait for a lock."""
    with schema_of_its_own(postgresql_url) as name:
        url = make_url(name)
        impatient = url.update_query_dict({"options": f"{url.query['options']} {IMPATIENT}"})
        engine = open_engine(impatient.render_as_string(hide_password=False))
        create_tables(engine)
        yield House(engine, FileKeyProvider({1: os.urandom(32), 2: os.urandom(32)}))
        engine.dispose()


def rotation_begins(house: House) -> None:
    with begin(house.ledger, actor=SYSTEM, now=NOW) as uow:
        begin_rotation(uow)


def rotation_ends(house: House) -> None:
    rotation = Rotation(1, NOW)
    for _ in reseal_everyone(
        house.ledger, house.vault, rotation, actor=SYSTEM, clock=lambda: LATER
    ):
        pass


STEPS: dict[str, Callable[[House], object]] = {
    "a main key is taken into use": House.begin,
    "older main keys are given up": House.finish,
    "an end is written down": lambda house: house.ring._destroy("file:9", SYSTEM, LATER),
    "people's keys are due": rotation_begins,
    "no key is due any more": rotation_ends,
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_a_step_waits_for_the_operator_who_takes_one(
    house: House, step: Callable[[House], object]
) -> None:
    with house.engine.begin() as connection:
        lock_steps(connection)
        with pytest.raises(OperationalError, match="lock timeout"):
            step(house)
    assert house.kinds() == []
