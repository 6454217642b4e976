"""Writing events: at the driver, since every fetch pays for it, and on PostgreSQL in one round trip
that ends with the COMMIT.

Through SQLAlchemy Core the same rows cost some 600 µs of CPU on two cores, here some 40.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from audit.driver import COMMIT, DRIVER_ERRORS, Statement, run
from audit.not_written import EventNotWrittenError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_EVENT = (
    "INSERT INTO audit_event (event_id, at, commitment, digests, sealed) VALUES (?, ?, ?, ?, ?)"
)
_QUEUE = "INSERT INTO audit_queue (number) VALUES (?)"
_SEARCH = (
    "INSERT INTO audit_search (number, at, kind, organisation, purpose, basis)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_ABOUT = "INSERT INTO audit_about (person_id, number, visible_from) VALUES (?, ?, ?)"
_ACTED = "INSERT INTO audit_acted (person_id, number) VALUES (?, ?)"

_ALL = """\
WITH written AS (
  INSERT INTO audit_event (event_id, at, commitment, digests, sealed)
  VALUES ($1, $2, $3, $4, $5) RETURNING number
), queued AS (
  INSERT INTO audit_queue (number) SELECT number FROM written
), searchable AS (
  INSERT INTO audit_search (number, at, kind, organisation, purpose, basis)
  SELECT number, $2, $6, $7, $8, $9 FROM written
), acted AS (
  INSERT INTO audit_acted (person_id, number)
  SELECT person, number FROM written, (VALUES ($11::uuid)) AS acted (person)
  WHERE person IS NOT NULL
)
INSERT INTO audit_about (person_id, number, visible_from)
SELECT person, number, $12 FROM written, (VALUES ($10::uuid)) AS about (person)
WHERE person IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as it is stored, with what it may be found by."""

    event_id: UUID
    at: datetime
    commitment: bytes
    digests: bytes
    sealed: bytes
    kind: str
    organisation: str | None
    purpose: str | None
    basis: str | None
    subject: UUID | None
    acting: UUID | None
    """A person who acted, where it is not the subject."""
    visible_from: datetime | None = None
    """From when on the subject sees it; None for at once."""


def insert_events(
    connection: Connection, rows: Sequence[EventRow], also: Sequence[Statement]
) -> None:
    """Write the events, their places in the queue and their index rows, as a transaction's last.

    `also` is done beside them. On PostgreSQL the transaction is committed with them: what has been
    sent commits also when we are gone before the answer. Raises EventNotWrittenError, which then
    may also say that the commit was refused.
    """
    sqlite = connection.dialect.name == "sqlite"
    try:
        if not sqlite:
            run(connection, [*map(_at_once, rows), *also, Statement(COMMIT)])
            return
        for row in rows:
            _one_by_one(connection, row)
        run(connection, also)
    except DRIVER_ERRORS as error:
        raise EventNotWrittenError from error


def _one_by_one(connection: Connection, row: EventRow) -> None:
    at = _stored_time(row.at)
    event = (row.event_id.hex, at, row.commitment, row.digests, row.sealed)
    number = run(connection, [Statement(_EVENT, event)])[0].last_id
    places = [
        Statement(_QUEUE, (number,)),
        Statement(_SEARCH, (number, at, *_found_by(row))),
    ]
    if row.subject is not None:
        kept_back = row.visible_from and _stored_time(row.visible_from)
        places.append(Statement(_ABOUT, (row.subject.hex, number, kept_back)))
    if row.acting is not None:
        places.append(Statement(_ACTED, (row.acting.hex, number)))
    run(connection, places)


def _at_once(row: EventRow) -> Statement:
    event = (row.event_id, row.at, row.commitment, row.digests, row.sealed)
    return Statement(_ALL, (*event, *_found_by(row), row.subject, row.acting, row.visible_from))


def _stored_time(moment: datetime) -> int:
    """As SQLite holds it (audit.database.Instant)."""
    return (moment - _EPOCH) // _MICROSECOND


def _found_by(row: EventRow) -> tuple[str | None, ...]:
    return row.kind, row.organisation, row.purpose, row.basis
