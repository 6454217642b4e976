"""`python -m tests.bench.key_ring`: what a rotation costs, on both databases.

How many keys a second are wrapped under a new main key, and how many people and records a second
are sealed under new keys of people, by one process that does nothing else, with every batch and
every person committed together with the event. A key folder holds the main keys.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from audit.database import open_engine
from audit.model import SYSTEM
from audit.unit_of_work import begin
from service.migrations.upgrade import upgrade
from tests.bench.__main__ import probe
from tests.postgres import postgresql_server, schema_of_its_own
from tests.vault.given import EMPLOYER, GROSS, PAID, document, fact
from tests.vault.ring_house import SCHEME, House
from vault.deposits import deposit
from vault.people import enrol
from vault.providers.file import FileKeyProvider
from vault.resealing import begin_rotation, reseal_everyone

RECORDS = 3
"""Of each person."""
AT_ONCE = 100


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=2000)
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = options.parse_args()
    print(f"{chosen.people} people with {RECORDS} records each; probe {probe():.1f} ms")
    for name, opened in (("sqlite", _sqlite), ("postgresql", _postgresql)):
        if chosen.only in {None, name}:
            with tempfile.TemporaryDirectory() as folder, opened(folder) as url:
                _run(name, url, Path(folder) / "keys", chosen.people)
    print(f"probe {probe():.1f} ms")


@contextmanager
def _sqlite(folder: str) -> Iterator[str]:
    yield f"sqlite:///{folder}/vault.db"


@contextmanager
def _postgresql(_folder: str) -> Iterator[str]:
    with postgresql_server() as server, schema_of_its_own(server) as url:
        yield url


def _run(name: str, url: str, keys: Path, people: int) -> None:
    engine = open_engine(url)
    upgrade(engine)
    house = House(engine, FileKeyProvider.open_or_create(keys))
    _fill(house, people)
    house.begin()
    wrapped = house.ring.progress()
    _measured(f"{name}: keys wrapped anew", wrapped.total - wrapped.done, lambda: _wrap(house))
    _measured(f"{name}: keys counted", house.ring.progress().total, house.ring.generations)
    seconds = _measured(f"{name}: people sealed anew", people, lambda: _seal(house))
    print(f"{'':36} {people * RECORDS / seconds:>9,.0f} records/s")
    engine.dispose()


def _fill(house: House, people: int) -> None:
    for first in range(0, people, AT_ONCE):
        with begin(house.ledger, actor=SYSTEM, now=datetime.now(UTC)) as uow:
            for number in range(first, min(first + AT_ONCE, people)):
                who = enrol(uow, house.vault, scheme=SCHEME, identifier=f"somebody-{number}")
                facts = (fact(GROSS, number), fact(EMPLOYER, "Oy"), fact(PAID, "2026-10-30"))
                deposit(uow, house.vault, who, document(*facts))


def _wrap(house: House) -> None:
    for _ in house.ring.rewrap(actor=SYSTEM, clock=lambda: datetime.now(UTC)):
        pass


def _seal(house: House) -> None:
    with begin(house.ledger, actor=SYSTEM, now=datetime.now(UTC)) as uow:
        rotation = begin_rotation(uow)
    clock = lambda: datetime.now(UTC)  # noqa: E731
    for _ in reseal_everyone(house.ledger, house.vault, rotation, actor=SYSTEM, clock=clock):
        pass


def _measured(name: str, number: int, work: Callable[[], object]) -> float:
    """Print how many a second and the CPU of our process for each; gives the seconds."""
    began, used = time.perf_counter(), _cpu()
    work()
    seconds, cpu = time.perf_counter() - began, _cpu() - used
    print(f"{name:36} {number / seconds:>9,.0f} a second  {cpu / number * 1e6:>7.1f} µs CPU each")
    return seconds


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
