"""kill -9 in the middle of rotations, on both databases, while people and data come in.

After every kill everything opens, every key is wrapped under a main key that is there, and the next
one goes on where the killed one stood. When to kill is counted in what was told, not in time.
"""

import random
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL

from sqlalchemy import Engine

from audit.completeness import check
from audit.own_effects import EFFECTS as OWN_EFFECTS
from audit.reader import entries_about
from audit.sequencer import Sequencer
from policies.ids import PersonId
from tests.audit.sample import signers
from tests.faults.rotating import now, opened, rotate
from tests.vault.given import EMPLOYER, GROSS, deposited, fact, viewed
from tests.vault.ring_house import House
from vault.effects import EFFECTS
from vault.resealing import last_rotation
from vault.sealed_check import differing_deposits

KILLS = 8
"""On each database."""
PEOPLE = 12
MOST_LINES = 40
"""A little more than one whole rotation tells."""


def test_nobody_loses_anything_by_a_rotation_that_is_killed(engine: Engine, tmp_path: Path) -> None:
    url, folder = engine.url.render_as_string(hide_password=False), str(tmp_path / "keys")
    dice = random.Random(20261124)  # noqa: S311  # a game, not a secret
    house = opened(url, folder)
    held = {_with_data(house, number): number for number in range(PEOPLE)}
    told: list[str] = []
    for life in range(KILLS):
        told += _until_killed(url, folder, dice.randint(1, MOST_LINES), house, held)
        survivor = opened(url, folder)
        _check(survivor, held)
        survivor.engine.dispose()
        late = _with_data(house, PEOPLE + life)
        held[late] = PEOPLE + life
    assert {line.split()[0] for line in told} >= {"begun", "wrapped", "destroyed", "sealed"}
    _check_end(house, held)
    house.engine.dispose()


def _with_data(house: House, number: int) -> PersonId:
    person = house.enrol(number)
    deposited(house.ledger, house.vault, person, fact(GROSS, number), fact(EMPLOYER, "Oy"))
    return person


def _until_killed(
    url: str, folder: str, lines: int, house: House, held: dict[PersonId, int]
) -> list[str]:
    """Let it rotate until it has told so much, handing in data meanwhile, and kill it."""
    command = [sys.executable, "-m", "tests.faults.rotating", url, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as rotating:
        assert rotating.stdout is not None
        told = []
        for number in range(lines):
            told.append(rotating.stdout.readline())
            if number % 10 == 0:
                person = [*held][number % PEOPLE]
                deposited(house.ledger, house.vault, person, fact(GROSS, held[person]))
        rotating.send_signal(SIGKILL)
        assert rotating.wait() == -SIGKILL
    assert all(told)
    return told


def _check(house: House, held: dict[PersonId, int]) -> None:
    here = house.provider.key_ids()
    assert 1 <= len(here) <= 2
    assert all(each.keys == 0 for each in house.ring.generations() if each.key_id not in here)
    for person, number in held.items():
        facts = viewed(house.ledger, house.vault, person, GROSS, EMPLOYER).facts
        assert [each.value for each in facts] == [number, "Oy"]
        with house.ledger.read(person) as connection:
            assert all(e.fields for e in entries_about(connection, house.ledger, person))
            assert differing_deposits(connection, house.ledger, person) == []


def _check_end(house: House, held: dict[PersonId, int]) -> None:
    """The last one is not killed."""
    rotate(house)
    rotate(house)
    _check(house, held)
    assert [each.keys > 0 for each in house.ring.generations() if each.in_provider] == [True]
    with house.ledger.read() as connection:
        rotation = last_rotation(connection)
    assert rotation is not None
    assert rotation.ended_at is not None
    Sequencer(house.ledger, signers()).run_once(now())
    assert check(house.ledger, [OWN_EFFECTS, EFFECTS], now=now()).findings == ()
