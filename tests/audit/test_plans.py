"""No question to a large log reads it all: the plans of both databases, with old statistics too.

A sequencer written as one statement fell from 15,000 leaves a second to 1,000, because the planner
scanned the events on statistics from when they were few. So: ids first, then the batch.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Connection, Engine, insert

from audit.prepared import PreparedSelect
from audit.store import reading, tables
from audit.store import tree as store
from audit.store.searching import Asked, matches
from tests.audit.sample import LOG, NOW

EVENTS, PLACED, BATCH = 20_000, 16_000, 500
KINDS = ("data.released", "data.viewed", "session.started", "token.issued")
LARGE = ("audit_event", "audit_leaf", "audit_search", "audit_about")


def person(number: int) -> UUID:
    return UUID(int=number % 1000)


def fill(connection: Connection) -> None:
    """Twenty thousand events, one a minute; most of them have their places."""
    numbers = range(1, EVENTS + 1)
    times = {number: NOW + timedelta(minutes=number) for number in numbers}
    sealed = {"digests": bytes(768), "sealed": bytes(400), "commitment": bytes(32)}
    rows: dict[Any, list[dict[str, Any]]] = {
        tables.event: [
            {"event_id": UUID(bytes=os.urandom(16)), "at": times[number], **sealed}
            for number in numbers
        ],
        tables.search: [
            {
                "number": n,
                "at": times[n],
                "kind": KINDS[n % 4],
                "organisation": f"o{n % 5}",
                "purpose": f"p{n % 10}",
                "basis": ("consent", "statute")[n % 2],
            }
            for n in numbers
        ],
        tables.about: [{"person_id": person(n), "number": n} for n in numbers],
        tables.leaf: [
            {"log": LOG, "index": n - 1, "number": n, "leaf_hash": bytes(32)}
            for n in numbers[:PLACED]
        ],
        tables.queue: [{"number": n} for n in numbers[PLACED:]],
    }
    for table, each in rows.items():
        connection.execute(insert(table), each)


def search(connection: Connection, before: int | None = None, **asked: Any) -> object:
    return matches(connection, Asked(**asked), all_kinds=KINDS, before=before, limit=50)


def core(connection: Connection, prepared: PreparedSelect, **wanted: Any) -> object:
    """A statement of the driver's through Core, where its plan can be asked for."""
    return connection.execute(prepared._statement, {"log": LOG} | wanted)


EARLY = NOW + timedelta(minutes=2000)
BATCH_NUMBERS = list(range(PLACED + 1, PLACED + BATCH + 1))
QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "her log": lambda c: reading.about_person(c, person(7), before=None, limit=50, kinds=None),
    "its next page": lambda c: reading.about_person(
        c, person(7), before=9000, limit=50, kinds=None
    ),
    "all": search,
    "its end": lambda c: search(c, until=EARLY),
    "a day": lambda c: search(c, since=EARLY, until=EARLY + timedelta(days=1)),
    "a kind": lambda c: search(c, kinds=["data.viewed"], until=EARLY),
    "a rare kind": lambda c: search(c, kinds=["keys.destroyed"]),
    "an organisation": lambda c: search(c, organisation="o3"),
    "a page": lambda c: search(c, before=9000),
    "a page of events": lambda c: reading.numbered(c, BATCH_NUMBERS[:100]),
    "a sample": lambda c: reading.at_indexes(c, LOG, list(range(0, PLACED, 160))),
    "one": lambda c: reading.one(c, UUID(int=1)),
    "a bundle": lambda c: reading.placed(c, LOG, 1024, 1280),
    "the first": reading.first_at,
    "a batch": lambda c: store.commitments(c, BATCH_NUMBERS),
    "a batch read again": lambda c: store.leaves(c, LOG, PLACED - BATCH, PLACED),
    "a place": lambda c: store.places_of(c, UUID(int=1)),
    "the size": lambda c: store.leaf_count(c, LOG),
    "a tile": lambda c: core(c, store._TILE, level=0, position=20),
    "a partial tile": lambda c: core(c, store._LEAF_HASHES, start=5120, end=5220),
    "one above it": lambda c: core(c, store._TILE_ROOTS, level=0, start=0, end=20),
}

FILTERS: dict[str, dict[str, Any]] = {
    "organisation": {"organisation": "o3"},
    "purpose": {"purpose": "p3"},
    "basis": {"basis": "consent"},
    "result": {"kinds": ["data.viewed", "token.issued"]},
    "person": {"person": person(7)},
    "time": {"since": EARLY, "until": EARLY + timedelta(days=1)},
    "page": {"before": 9000},
}


def combinations() -> Iterator[tuple[str, dict[str, Any]]]:
    """The auditor's filters by themselves, by two, and all together; every three of them lead
    by the same column as two of them do."""
    for number in (1, 2, len(FILTERS)):
        for names in itertools.combinations(FILTERS, number):
            yield " + ".join(names), {k: v for name in names for k, v in FILTERS[name].items()}


def asking(asked: dict[str, Any]) -> Callable[[Connection], object]:
    return lambda connection: search(connection, **asked)


QUESTIONS |= {name: asking(asked) for name, asked in combinations()}


def steps_of(connection: Connection, ask: Callable[[Connection], object]) -> list[str]:
    """The steps of all that the database does for a question, as it plans them."""
    if connection.dialect.name == "postgresql":
        return steps_on_postgresql(connection, ask)
    seen: list[str] = []
    driver: Any = connection.connection.driver_connection
    driver.set_trace_callback(seen.append)  # with the values in the text
    ask(connection)
    driver.set_trace_callback(None)
    explained = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}") for text in seen]
    return [row.detail for plan in explained for row in plan]


def steps_on_postgresql(connection: Connection, ask: Callable[[Connection], object]) -> list[str]:
    """The server tells the plans that it has run, those of prepared statements too."""
    plans: list[str] = []

    def note(said: psycopg.errors.Diagnostic) -> None:
        plans.append(said.message_primary or "")

    driver: Any = connection.connection.driver_connection
    for setting in ("min_duration = 0", "level = notice"):
        connection.exec_driver_sql(f"LOAD 'auto_explain'; SET auto_explain.log_{setting}")
    driver.add_notice_handler(note)
    ask(connection)
    connection.exec_driver_sql("SHOW server_version")  # ends the last one, which then is told
    driver.remove_notice_handler(note)
    return [line.strip() for plan in plans for line in plan.splitlines()]


def is_scan(step: str) -> bool:
    """Whether a whole large table is read."""
    # PostgreSQL names each partition of a table after it.
    return any(step.startswith(f"SCAN {t}") or f"Seq Scan on {t}" in step for t in LARGE)


def all_scanned(engine: Engine) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with engine.connect() as connection:
        for name, ask in QUESTIONS.items():
            steps = steps_of(connection, ask)
            assert steps
            found[name] = [step for step in steps if is_scan(step)]
    return {name: steps for name, steps in found.items() if steps}


@pytest.mark.parametrize("statistics", ["of the empty log", "of the full log"])
def test_no_question_reads_the_whole_log(engine: Engine, statistics: str) -> None:
    analyse = ["ANALYZE"] if statistics == "of the empty log" else []
    with engine.begin() as connection:
        for statement in analyse:
            connection.exec_driver_sql(statement)
        fill(connection)
        if not analyse:
            connection.exec_driver_sql("ANALYZE")
    found = all_scanned(engine)
    # The newest of all come in the order of the index, up to the limit.
    newest = "SCAN audit_search USING INDEX audit_search_at"
    assert found in ({}, {"all": [newest]})


def test_a_question_that_reads_it_all_would_be_noticed(engine: Engine) -> None:
    with engine.begin() as connection:
        fill(connection)
        all_of_it = "SELECT count(*) FROM audit_event WHERE length(sealed) = 7"
        steps = steps_of(connection, lambda c: c.exec_driver_sql(all_of_it).all())
    assert len([step for step in steps if is_scan(step)]) == 1
