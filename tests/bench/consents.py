"""`python -m tests.bench.consents`: the status filter of 5,000 references, and the list of 2,000.

Puts consents of many people and 2,000 of one into an empty installation on each database, then asks
by the endpoint itself (the assertion verified, its event committed) and by the person's page, and
prints the milliseconds within which half and 99 of 100 came.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from audit.database import open_engine
from consent.statuses import MOST
from consent.store.tables import consent as table
from policies.ids import ConsentId
from service.api.statuses import STATUS_PATH, answer
from service.app import create_app
from service.exchange import Call
from tests.bench.auditor_page import probe
from tests.postgres import postgresql_server, schema_of_its_own
from tests.schema import create_tables
from tests.service.house import AINO, FriendlyProvider, House
from tests.service.office import Office, open_office

OF_ONE = 2_000
ROWS = 1_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=50)
    options.add_argument("--consents", type=int, default=100_000)
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = options.parse_args()
    print(f"{chosen.consents} consents; probe {probe():.1f} ms")
    print(f"{'':<58}{'p50 ms':>9}{'p99 ms':>9}")
    for name, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        if chosen.only in (None, name.lower()):
            with database() as office:
                bench(name, office, chosen.consents, chosen.times)
    print(f"probe {probe():.1f} ms")


@contextmanager
def sqlite() -> Iterator[Office]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'vault.db'}"
        with opened(url, Path(folder)) as office:
            yield office


@contextmanager
def postgresql() -> Iterator[Office]:
    with (
        tempfile.TemporaryDirectory() as folder,
        postgresql_server() as server,
        schema_of_its_own(server) as url,
        opened(url, Path(folder)) as office,
    ):
        yield office


@contextmanager
def opened(url: str, folder: Path) -> Iterator[Office]:
    engine = open_engine(url)
    create_tables(engine)
    engine.dispose()
    office = open_office(url, folder)
    yield office
    office.runtime.close()


def bench(name: str, office: Office, consents: int, times: int) -> None:
    known = fill(office, consents)
    for many in (1, 100, MOST):
        calls = iter([asked(office, known[:many]) for _ in range(times + 1)])
        taken = measured(times, partial(told, office, calls))
        show(f"{name}: how {many} consents stand", taken)
    runtime = replace(office.runtime, identity_provider=FriendlyProvider())
    house = House(runtime, create_app(runtime), office.clock, FriendlyProvider(), {})
    house.provider = runtime.identity_provider  # type: ignore[assignment]  # as made above
    browser = house.signed_in(AINO)
    for part in ("", "?part=active", "?part=ended"):
        page = f"/en/consents{part}"
        show(f"{name}: {page}, {OF_ONE} in all", measured(times, partial(browser.get, page)))


def told(office: Office, calls: Iterator[Call]) -> None:
    made = answer(office.server, next(calls))
    assert made.status == 200, made.body


def asked(office: Office, references: list[ConsentId]) -> Call:
    headers = [(b"client-assertion", office.program.assertion().encode())]
    body = json.dumps({"references": [str(each) for each in references]}).encode()
    return Call("POST", STATUS_PATH, headers, b"", body)


def fill(office: Office, consents: int) -> list[ConsentId]:
    """Rows like the one that was given by the whole way; the first 2,000 are of its person."""
    given = office.given()
    with office.runtime.ledger.read() as connection:
        row = connection.execute(table.select().where(table.c.consent_id == given)).one()
    made: list[ConsentId] = [given]
    for begin_at in range(0, consents, ROWS):
        rows = [_like(row, number) for number in range(begin_at, begin_at + ROWS)]
        with office.runtime.ledger.engine.begin() as connection:
            connection.execute(insert(table), rows)
        made += [each["consent_id"] for each in rows]
    with office.runtime.ledger.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    return made


def _like(row: Any, number: int) -> dict[str, Any]:
    """Of one person one consent is in force, as it must be; all else has ended."""
    of_one = number < OF_ONE
    columns: dict[str, Any] = row._asdict()
    return columns | {
        "consent_id": uuid4(),
        "person_id": row.person_id if of_one else uuid4(),
        "status": "withdrawn" if of_one else "active",
        "created_at": row.created_at - timedelta(minutes=number),
    }


def measured(times: int, work: Callable[[], object]) -> list[float]:
    work()
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return sorted(taken)


def show(name: str, taken: list[float]) -> None:
    half, most = taken[len(taken) // 2], taken[min(len(taken) - 1, len(taken) * 99 // 100)]
    print(f"{name:<58}{half:>9.1f}{most:>9.1f}")


if __name__ == "__main__":
    main()
