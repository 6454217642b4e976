"""What it costs that no row changes without an event: effect and event over eight connections.

Two processes of four threads write, as two workers of a service would. Beside it stands the raw
database: the same effect row, and it together with a row of an event's size, by prepared
statements and with nothing sealed, chained or watched.
"""

import multiprocessing
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import TypeAlias
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import Column, MetaData, Table, Uuid, insert, text
from sqlalchemy.engine import make_url

from audit.database import open_engine
from audit.model import SYSTEM, Event, Kind
from audit.prepared import PreparedInsert
from audit.unit_of_work import Ledger, begin
from policies.ids import OrganisationId, PersonId
from service.migrations.upgrade import upgrade
from vault.providers.file import FileKeyProvider

PROCESSES, THREADS, EACH, PEOPLE = 2, 4, 3000, 500
_SPAWN = multiprocessing.get_context("spawn")
_EFFECT = Table("effect", MetaData(), Column("id", Uuid), Column("audit_event_id", Uuid))
_INSERT = PreparedInsert(insert(_EFFECT))
Report: TypeAlias = "multiprocessing.Queue[tuple[float, float, float]]"
"""When a process began and ended, and the CPU seconds that it used."""


def effect(url: str, keys: Path) -> None:
    """Print the rates of all three, one after the other."""
    upgrade(open_engine(url))
    FileKeyProvider.open_or_create(keys)
    with open_engine(url).connect() as connection:
        for table in ("effect", "event_like"):
            connection.execute(text(f"CREATE TABLE {table} (id uuid, audit_event_id uuid)"))
        connection.execute(text("ALTER TABLE event_like ADD sealed bytea"))
        connection.commit()
    floor = _measure("effect alone, raw (floor)", _raw_effect, url, keys)
    _measure("effect and a plain row, raw (floor)", _raw_both, url, keys)
    ours = _measure("effect and event", _ours, url, keys)
    print(f"  an event costs the application {ours - floor:.0f} µs of CPU")


def _measure(name: str, work: Callable[[str, Path, Report], None], url: str, keys: Path) -> float:
    told: Report = _SPAWN.Queue()
    running = [_SPAWN.Process(target=work, args=(url, keys, told)) for _ in range(PROCESSES)]
    for each in running:
        each.start()
    reports = [told.get() for _ in running]
    for each in running:
        each.join()
    count = PROCESSES * THREADS * EACH
    seconds = max(ended for _, ended, _ in reports) - min(begun for begun, _, _ in reports)
    cpu = 1e6 * sum(used for *_, used in reports) / count
    print(f"  {name:<36}{count / seconds:>8,.0f}/s {cpu:6.0f} µs CPU each", flush=True)
    return cpu


def _ours(url: str, keys: Path, told: Report) -> None:
    ledger = Ledger(open_engine(url), FileKeyProvider.open_or_create(keys))
    people = [PersonId(uuid4()) for _ in range(PEOPLE)]

    def one(place: int) -> None:
        with begin(ledger, actor=SYSTEM, now=datetime.now(UTC)) as uow:
            person = people[place % PEOPLE]
            kela = OrganisationId("kela")
            event = uow.record(Event(kind=Kind.TOKEN_ISSUED, subject=person, organisation=kela))
            _INSERT.run(uow.connection, {"id": uuid4(), "audit_event_id": event})

    _in_threads(lambda: one, told)


def _raw_effect(url: str, keys: Path, told: Report) -> None:
    del keys
    _in_threads(lambda: _raw(url, []), told)


def _raw_both(url: str, keys: Path, told: Report) -> None:
    del keys
    plain = "INSERT INTO event_like VALUES (%s, %s, %s)"
    _in_threads(lambda: _raw(url, [plain]), told)


def _raw(url: str, more: list[str]) -> Callable[[int], None]:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(address, prepare_threshold=0)
    plain, sealed = "INSERT INTO effect VALUES (%s, %s)", os.urandom(1200)

    def one(place: int) -> None:
        del place
        key: UUID = uuid4()
        connection.execute(plain, (key, key))
        for each in more:
            connection.execute(each, (key, key, sealed))
        connection.commit()

    return one


def _in_threads(make: Callable[[], Callable[[int], None]], told: Report) -> None:
    works = [make() for _ in range(THREADS)]
    _run(works, 200)  # connections, plans and keys are there before the clock runs
    begun, used = time.time(), time.process_time()
    _run(works, EACH)
    told.put((begun, time.time(), time.process_time() - used))


def _run(works: list[Callable[[int], None]], count: int) -> None:
    def many(work: Callable[[int], None]) -> None:
        for place in range(count):
            work(place)

    threads = [Thread(target=many, args=(work,)) for work in works]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
