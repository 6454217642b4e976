"""`python -m tests.bench.auditor_page`: what a page of the auditor's search costs in a large log.

Writes the index rows of a million events on each database, then asks for each way to filter the
first page and one from the middle, and prints the milliseconds within which half and 99 of 100
came. What it costs to open the hundred entries of a page, and to read the log again, is measured
with real events beside it; neither depends on how long the log is.
"""

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, insert

from audit.database import open_engine
from audit.health import LogChecker
from audit.model import SYSTEM, Event, Kind
from audit.results import Result, kinds_of
from audit.search import Wanted, find
from audit.sequencer import Sequencer
from audit.store import metadata, tables
from audit.store.searching import Asked, matches
from audit.unit_of_work import Ledger, begin
from policies.ids import OrganisationId, PurposeId
from policies.vocabulary import LegalBasis
from tests.audit.sample import AINO, NOW, signers
from tests.postgres import postgresql_server, schema_of_its_own
from tests.wrapping import MemoryWrapper

REAL = 1_000
"""Real events, for what a page and the checker cost."""
KINDS = ["data.released"] * 62 + ["token.issued"] * 20 + ["data.viewed"] * 8
KINDS += ["session.started"] * 6 + ["consent.given"] * 3 + ["data.refused"]
OF_NOBODY = {"data.viewed", "session.started"}
PURPOSES = (
    ("kela", "kela-income-check", "statute"),
    ("kela", "kela-unemployment-benefit", "permission"),
    ("city-social", "city-housing-support", "permission"),
    ("debt-counsel", "debt-advice", "consent"),
    ("bank-example", "bank-loan-offer", "consent"),
)
WEIGHTS = (500, 1, 300, 140, 59)
QUESTIONS: dict[str, Asked] = {
    "no filter": Asked(),
    "kind": Asked(kinds=["data.released"]),
    "rare kind": Asked(kinds=["keys.destroyed"]),
    "result": Asked(kinds=kinds_of(Result.REFUSED)),
    "recipient": Asked(organisation="kela"),
    "recipient, result": Asked(organisation="bank-example", kinds=kinds_of(Result.REFUSED)),
    "recipient, ground that is rare there": Asked(organisation="kela", basis="permission"),
    "purpose": Asked(purpose="debt-advice"),
    "purpose, result": Asked(purpose="debt-advice", kinds=kinds_of(Result.REFUSED)),
    "ground": Asked(basis="consent"),
    "recipient, a day": Asked(
        organisation="kela", since=NOW + timedelta(days=9), until=NOW + timedelta(days=10)
    ),
    "person": Asked(person=AINO),
    "person, result": Asked(person=AINO, kinds=kinds_of(Result.REFUSED)),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--times", type=int, default=100)
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = options.parse_args()
    print(f"{chosen.events} events; probe {probe():.1f} ms")
    print(f"{'':<62}{'found':>6}{'p50 ms':>9}{'p99 ms':>9}")
    for name, database in (("SQLite", sqlite), ("PostgreSQL", postgresql)):
        if chosen.only in (None, name.lower()):
            with database() as engine:
                bench(name, engine, chosen.events, chosen.times)
    print(f"probe {probe():.1f} ms")


def probe() -> float:
    """Milliseconds for a fixed piece of Python work: how fast the machine was meanwhile."""
    started = time.perf_counter()
    sum(i * i % 7 for i in range(100_000))
    return 1000 * (time.perf_counter() - started)


@contextmanager
def sqlite() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'log.db'}")
        yield engine
        engine.dispose()


@contextmanager
def postgresql() -> Iterator[Engine]:
    with postgresql_server() as server, schema_of_its_own(server) as url:
        engine = open_engine(url)
        yield engine
        engine.dispose()


def bench(name: str, engine: Engine, events: int, times: int) -> None:
    metadata.create_all(engine)
    ledger = Ledger(engine, MemoryWrapper())
    of_real_events(name, ledger, times)
    middle = fill(engine, REAL + 1, events)
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    with engine.connect() as connection:
        for asked, question in QUESTIONS.items():
            for place, before in (("first page", None), ("from the middle", middle)):
                ask = partial(
                    matches, connection, question, all_kinds=Kind, before=before, limit=100
                )
                taken, found = measured(times, ask)
                show(f"{name}: {asked}, {place}", taken, len(found.numbers))


def of_real_events(name: str, ledger: Ledger, times: int) -> None:
    """What a page costs after the search, and a run of the checker."""
    for _ in range(REAL // 100):
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            for _ in range(100):
                uow.record(real_event())
    Sequencer(ledger, signers()).run_once(NOW)
    with ledger.read() as connection:
        taken, page = measured(times, lambda: find(connection, ledger, Wanted(), limit=100))
    show(f"{name}: newest page, entries opened and checked", taken, len(page.entries))
    checker = LogChecker(ledger, signers())
    taken, _ = measured(5, lambda: checker.run_once(NOW))
    show(f"{name}: checker, {REAL} entries read again", taken, REAL)


def real_event() -> Event:
    organisation, purpose, basis = PURPOSES[0]
    return Event(
        kind=Kind.DATA_RELEASED,
        subject=AINO,
        organisation=OrganisationId(organisation),
        purpose=PurposeId(purpose),
        basis=LegalBasis(basis),
    )


def fill(engine: Engine, first: int, events: int) -> int:
    """Index rows, one event every ten seconds; gives a row number of the middle."""
    chance = random.Random(1)  # noqa: S311  # so that two runs ask the same log
    rows = (_row(chance, number) for number in range(first, first + events))
    middle = first + events // 2
    with engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        if engine.dialect.name == "sqlite":
            _on_sqlite(driver, rows)
        else:
            with driver.cursor().copy("COPY audit_search FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        # A hundredth of all is about one person, which is far more than any real person has.
        hers = [
            {"person_id": AINO, "number": number} for number in range(first, first + events, 100)
        ]
        connection.execute(insert(tables.about), hers)
        sealed = {"digests": b"", "sealed": b"", "commitment": bytes(32)}
        connection.execute(
            insert(tables.event).values(number=middle, event_id=uuid4(), at=_at(middle), **sealed)
        )
    return middle


Row = tuple[int, datetime, str, str | None, str | None, str | None]


def _row(chance: random.Random, number: int) -> Row:
    kind = chance.choice(KINDS)
    if kind in OF_NOBODY:
        return (number, _at(number), kind, None, None, None)
    return (number, _at(number), kind, *chance.choices(PURPOSES, WEIGHTS)[0])


def _at(number: int) -> datetime:
    return NOW + timedelta(seconds=10 * number)


def _on_sqlite(driver: sqlite3.Connection, rows: Iterator[Row]) -> None:
    epoch, microsecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
    driver.executemany(
        "INSERT INTO audit_search VALUES (?, ?, ?, ?, ?, ?)",
        ((number, (at - epoch) // microsecond, *rest) for number, at, *rest in rows),
    )


def measured(times: int, ask: Callable[[], Any]) -> tuple[list[float], Any]:
    """Milliseconds in rising order, and the last answer; the first time does not count."""
    taken = []
    answer = ask()
    for _ in range(times):
        started = time.perf_counter()
        answer = ask()
        taken.append(1000 * (time.perf_counter() - started))
    return sorted(taken), answer


def show(name: str, taken: list[float], found: int) -> None:
    p50, p99 = (taken[min(len(taken) - 1, int(share * len(taken)))] for share in (0.5, 0.99))
    print(f"{name:<62}{found:>6}{p50:>9.1f}{p99:>9.1f}", flush=True)


if __name__ == "__main__":
    main()
