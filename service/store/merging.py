"""Rows of proposals to join two people."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from policies.ids import EventId, PersonId
from service.proposal import Outcome, Proposal
from service.store.tables import merge as table


def next_number(connection: Connection) -> int:
    """One more than the highest: of two at once the second one fails, and is made again."""
    highest: int | None = connection.execute(select(func.max(table.c.number))).scalar_one()
    return (highest or 0) + 1


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
    query = select(table).where(table.c.number == number).with_for_update()
    row = connection.execute(query).one_or_none()
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
    of_number = update(table).where(table.c.number == number, table.c.outcome.is_(None))
    decided = {"decided_by": operator, "decided_at": now, "outcome": outcome}
    connection.execute(of_number.values(**decided, audit_event_id=event_id))


def newest(connection: Connection, limit: int) -> list[Proposal]:
    query = select(table).order_by(table.c.number.desc()).limit(limit)
    return [_proposal(row) for row in connection.execute(query)]


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
