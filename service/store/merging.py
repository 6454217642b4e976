"""Rows of proposals to join two people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, update

from policies.ids import EventId, PersonId
from service.proposal import Outcome, Proposal
from service.store import numbered
from service.store.tables import merge as table


def next_number(connection: Connection) -> int:
    return numbered.next_number(connection, table)


def add(connection: Connection, made: Proposal, event_id: EventId) -> None:
    connection.execute(
        insert(table).values(
            number=made.number,
            first_id=made.first,
            other_id=made.other,
            reference=made.reference,
            proposed_at=made.proposed_at,
            audit_event_id=event_id,
        )
    )


def lock(connection: Connection, number: int) -> Proposal | None:
    """The proposal, locked until the transaction ends."""
    row = numbered.locked(connection, table, number)
    return None if row is None else _proposal(row)


def approve(connection: Connection, number: int, operator: PersonId, event_id: EventId) -> None:
    """Write the first approval. The proposal is locked."""
    of_number = update(table).where(table.c.number == number, table.c.approved_by.is_(None))
    connection.execute(of_number.values(approved_by=operator, audit_event_id=event_id))


def decide(
    connection: Connection,
    number: int,
    operator: PersonId,
    outcome: Outcome,
    *,
    now: datetime,
    event_id: EventId,
) -> None:
    """Write how it ended, and by whom. The proposal is locked."""
    numbered.decide(connection, table, number, operator, outcome, now=now, event_id=event_id)


def newest(connection: Connection, limit: int) -> list[Proposal]:
    return [_proposal(row) for row in numbered.newest(connection, table, limit)]


def _proposal(row: Any) -> Proposal:
    return Proposal(
        number=row.number,
        first=PersonId(row.first_id),
        other=PersonId(row.other_id),
        reference=row.reference,
        proposed_at=row.proposed_at,
        approved_by=None if row.approved_by is None else PersonId(row.approved_by),
        decided_at=row.decided_at,
        outcome=None if row.outcome is None else Outcome(row.outcome),
    )
