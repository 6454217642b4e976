"""A person's own log, as she reads it: each line stands for itself.

A line that does not agree with the log any more is told as such, and the others are shown: else
whoever changes one line would hide them all. That a line is missing, only the chain through them
can tell; that tree and line were changed alike, only a verifier outside.

What a law keeps back from her for a while is not among the lines before its time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Entry, Kind
from audit.reader import opened_entries, own
from audit.seal import SealedEventError
from audit.store import own_log as store
from audit.store import reading
from audit.store.own_log import Part as Part
from audit.store.reading import StoredEvent
from audit.unit_of_work import Ledger
from policies.ids import EventId, PersonId


@dataclass(frozen=True, slots=True)
class DamagedEntry:
    """A line whose stored bytes are not those that were written: nothing in it can be believed."""

    number: int
    event_id: EventId
    at: datetime
    index: int | None
    log: str | None


OwnEntry = Entry | DamagedEntry


def own_entries(
    connection: Connection,
    ledger: Ledger,
    person: PersonId,
    *,
    now: datetime,
    before: int | None = None,
    limit: int = 50,
    kinds: Collection[Kind] | None = None,
) -> list[OwnEntry]:
    """Newest first; `before` is the row number where a page ended."""
    rows = reading.about_person(
        connection, person, before=before, limit=limit, kinds=kinds, seen_at=now
    )
    return _opened(connection, ledger, person, rows)


def own_part(
    connection: Connection,
    ledger: Ledger,
    person: PersonId,
    part: Part,
    *,
    now: datetime,
    offset: int,
    limit: int,
) -> list[OwnEntry]:
    """Newest first, after leaving out as many as `offset` says."""
    numbers = store.numbers(connection, person, part, now=now, offset=offset, limit=limit)
    return _opened(connection, ledger, person, reading.numbered(connection, numbers))


def own_count(connection: Connection, person: PersonId, part: Part, *, now: datetime) -> int:
    """How many lines that part has."""
    return store.count(connection, person, part, now=now)


def own_entry(
    connection: Connection,
    ledger: Ledger,
    person: PersonId,
    event_id: EventId,
    *,
    now: datetime,
) -> OwnEntry | None:
    """One line; None when there is none with that id, or it is about somebody else.

    Of two lines under one id neither can be believed to be the one that is asked for.
    """
    rows = reading.numbered(connection, store.numbers_of(connection, person, event_id, now=now))
    if len(rows) > 1:
        return _damaged(rows[0])
    return next(iter(_opened(connection, ledger, person, rows)), None)


def _opened(
    connection: Connection, ledger: Ledger, person: PersonId, rows: Sequence[StoredEvent]
) -> list[OwnEntry]:
    """All at once, which costs one question for keys; one by one where that fails."""
    try:
        return list(_checked(connection, ledger, person, rows))
    except SealedEventError:
        return [_one(connection, ledger, person, row) for row in rows]


def _one(connection: Connection, ledger: Ledger, person: PersonId, row: StoredEvent) -> OwnEntry:
    try:
        return _checked(connection, ledger, person, [row])[0]
    except SealedEventError:
        return _damaged(row)


def _damaged(row: StoredEvent) -> DamagedEntry:
    return DamagedEntry(row.number, EventId(row.event_id), row.at, row.index, row.log)


def _checked(
    connection: Connection, ledger: Ledger, person: PersonId, rows: Sequence[StoredEvent]
) -> list[Entry]:
    entries = opened_entries(connection, ledger, rows, own(person))
    if any(each.fields and each.subject != person for each in entries):
        raise SealedEventError("subject")  # the index, which nothing proves, was changed
    return entries
