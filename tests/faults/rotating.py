"""Rotates all keys of a database again and again, to be killed in the middle.

`python -m tests.faults.rotating URL FOLDER` tells on standard output of each piece that is
committed: a new main key, a batch wrapped anew, an old main key destroyed, a person's new key.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit.database import open_engine
from audit.model import SYSTEM
from audit.unit_of_work import begin
from tests.vault.ring_house import House
from vault.key_ring import NothingToFinishError
from vault.providers.file import FileKeyProvider
from vault.resealing import begin_rotation, reseal_everyone

BATCH = 7


def tell(line: str) -> None:
    """At once and whole: what was told has been committed."""
    os.write(1, f"{line}\n".encode())


def now() -> datetime:
    return datetime.now(UTC)


def opened(url: str, folder: str) -> House:
    """The house on that database, with the keys of that folder."""
    return House(open_engine(url), FileKeyProvider.open_or_create(Path(folder)))


def rotate(house: House) -> None:
    """One new main key, and one new key for each person."""
    tell(f"begun {house.ring.begin(actor=SYSTEM, now=now())}")
    for progress in house.ring.rewrap(actor=SYSTEM, clock=now, limit=BATCH):
        tell(f"wrapped {progress.done}")
    try:
        tell(f"destroyed {house.ring.finish(actor=SYSTEM, now=now(), delay=timedelta(0))}")
    except NothingToFinishError:
        tell("nothing to finish")
    with begin(house.ledger, actor=SYSTEM, now=now()) as uow:
        rotation = begin_rotation(uow)
    for done in reseal_everyone(
        house.ledger, house.vault, rotation, actor=SYSTEM, clock=now, at_once=2
    ):
        tell(f"sealed {done.done}")


def main(url: str, folder: str) -> None:
    house = opened(url, folder)
    while True:
        rotate(house)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
