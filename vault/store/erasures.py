"""SQL on erasures: what goes with a person or a data set, and what stays to tell of it.

A new table of this room need not be named here: what goes is found by its columns, and a test
sees that every table about people is reached.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select

from audit.row_order import lock_rows
from policies.ids import DatasetId, EventId, PersonId
from vault.store.tables import (
    deposit,
    erasure,
    metadata,
    person,
    person_key,
    record,
    resealed,
    statement,
    unwanted,
)

STAY = frozenset({erasure})
"""Tables about people whose rows no erasure deletes."""

APART = frozenset({erasure, resealed, statement, unwanted})
"""Tables of data sets, deposits or erasures that are not part of the data set's copy."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a person's records is to go."""

    records: Sequence[UUID]
    deposits: Sequence[UUID]
    dataset: DatasetId


def delete_person(connection: Connection, person_id: PersonId) -> None:
    """Delete everything about the person but that it was done; her keys are among it."""
    lock_rows(connection, person_key, person_key.c.person_id == person_id)
    for table in of_people():
        if table not in STAY:
            connection.execute(delete(table).where(table.c.person_id == person_id))


def parts_of(connection: Connection, person_id: PersonId, dataset: DatasetId) -> Parts:
    """The records and deposits of one data set."""
    records = select(record.c.record_id).where(
        record.c.person_id == person_id, record.c.dataset == dataset
    )
    deposits = select(deposit.c.deposit_id).where(
        deposit.c.person_id == person_id, deposit.c.dataset == dataset
    )
    return Parts(
        connection.execute(records).scalars().all(),
        connection.execute(deposits).scalars().all(),
        dataset,
    )


def delete_parts(connection: Connection, person_id: PersonId, parts: Parts) -> None:
    """Delete every row that belongs to these records, these deposits or this data set."""
    for table in of_people():
        of_part = _of_part(table, parts)
        if table not in APART and of_part is not None:
            connection.execute(delete(table).where(table.c.person_id == person_id, of_part))


def of_people() -> list[Table]:
    """The tables with a person's id, those that refer to others first."""
    return [each for each in reversed(metadata.sorted_tables) if "person_id" in each.c]


def _of_part(table: Table, parts: Parts) -> ColumnElement[bool] | None:
    if "record_id" in table.c:
        return table.c.record_id.in_(parts.records)
    if "deposit_id" in table.c:
        return table.c.deposit_id.in_(parts.deposits)
    return table.c.dataset == parts.dataset if "dataset" in table.c else None


def is_known(connection: Connection, person_id: PersonId, erasure_id: UUID) -> bool:
    """Whether this erasure was made in this database."""
    here = (erasure.c.person_id == person_id) & (erasure.c.erasure_id == erasure_id)
    query = select(erasure.c.erasure_id).where(here)
    return connection.execute(query).one_or_none() is not None


def is_here(connection: Connection, person_id: PersonId) -> bool:
    """Whether the database holds the person."""
    query = select(person.c.person_id).where(person.c.person_id == person_id)
    return connection.execute(query).one_or_none() is not None


def add_erasure(
    connection: Connection,
    person_id: PersonId,
    *,
    erasure_id: UUID,
    blinded: bytes | None,
    now: datetime,
    event_id: EventId,
) -> None:
    connection.execute(
        insert(erasure).values(
            person_id=person_id,
            erasure_id=erasure_id,
            blinded=blinded,
            erased_at=now,
            audit_event_id=event_id,
        )
    )
