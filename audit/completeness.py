"""Is the log complete: every effect with its event, every event with its leaf, and back.

The tree proves that what is in it stays. That nothing was left out of it is asked here, by holding
the rows of all rooms against the log. It reads pages in the order of keys, each in a snapshot of
its own, so that it needs little memory, holds nobody up and can stop and go on anywhere. It only
tells; whoever repaired by machine what does not fit would wipe out the trace.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from audit.check_cursor import Cursor
from audit.check_events import events
from audit.check_leaves import leaves, minimums
from audit.check_report import Found, Report
from audit.check_rows import effects, expected
from audit.check_seals import sealed
from audit.check_steps import Step, View, archived_until
from audit.check_uses import used
from audit.effects import RoomEffects
from audit.merkle import leaf_hash
from audit.promise import Promise
from audit.scope import EVERYONE
from audit.store import completeness as store
from audit.store import tree
from audit.unit_of_work import Ledger

BATCH = 1000


def never() -> bool:
    return False


def check(
    ledger: Ledger,
    rooms: Sequence[RoomEffects],
    *,
    now: datetime,
    cursor: str | None = None,
    stop: Callable[[], bool] = never,
    batch: int = BATCH,
) -> Report:
    """Read everything, or from the cursor on, until the end or until `stop` says so.

    Raises CursorError for a cursor that is none, or of another program's version.
    """
    steps = _steps(rooms)
    found = Found()
    at: Cursor | None = Cursor.start(steps) if cursor is None else Cursor.parse(cursor, steps)
    while at is not None and not stop():
        with _snapshot(ledger) as connection:
            page = steps[at.step](View(connection, ledger, now, batch), at.after)
        found.add(page.rows, page.findings)
        found.in_archive += page.in_archive
        at = at.next(page.last, steps)
    return found.report(at)


def broken_promises(ledger: Ledger, promises: Sequence[Promise], *, now: datetime) -> list[str]:
    """The promises whose time has come and whose leaf is not there, by their event's id.

    Of a promise as old as the archive nothing can be said here: it is held against the archived
    entries (`audit verify`).
    """
    with _snapshot(ledger) as connection:
        until = archived_until(connection)
        return [
            str(each.event_id)
            for each in promises
            if now >= each.due
            and (until is None or each.at > until)
            and not _is_kept(connection, each)
        ]


def _is_kept(connection: Connection, promise: Promise) -> bool:
    places = tree.places_of(connection, promise.event_id)
    return leaf_hash(promise.entry) in {place.leaf_hash for place in places}


@contextmanager
def alone(ledger: Ledger) -> Iterator[bool]:
    """Whether this is the only process that checks now; the others need not do the same work."""
    if ledger.engine.dialect.name == "sqlite":  # one process anyway
        yield True
        return
    with ledger.engine.connect() as connection:  # in a transaction that holds nothing else
        yield store.lock_check(connection)


@contextmanager
def _snapshot(ledger: Ledger) -> Iterator[Connection]:
    """All of one page is read as it was at one moment: what commits meanwhile is no gap."""
    with ledger.read(EVERYONE) as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _steps(rooms: Sequence[RoomEffects]) -> dict[str, Step]:
    tables = [each for room in rooms for each in room.tables]
    steps: dict[str, Step] = {"events": events(tables), "leaves": leaves}
    steps["minimum indexes"] = minimums
    steps |= {f"rows of {each.table.name}": effects(each) for each in tables}
    steps |= {name: expected(read) for room in rooms for name, read in room.expected}
    steps |= {name: used(read) for room in rooms for name, read in room.used}
    return steps | {f"seals of {each.name}": sealed(each) for room in rooms for each in room.sealed}
