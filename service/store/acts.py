"""Rows of acts that wait for a second operator."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from policies.ids import EventId, PersonId
from service.proposed_act import ActKind, ActOutcome, ProposedAct
from service.store.tables import proposed_act as table


def next_number(connection: Connection) -> int:
    """One more than the highest: of two at once the second one fails, and is made again."""
    highest: int | None = connection.execute(select(func.max(table.c.number))).scalar_one()
    return (highest or 0) + 1


def add(connection: Connection, made: ProposedAct, event_id: EventId) -> None:
    connection.execute(
        insert(table).values(
            number=made.number,
            what=made.what,
            subject=made.subject,
            document=made.document,
            digest=made.digest,
            proposed_by=made.proposed_by,
            proposed_at=made.proposed_at,
            audit_event_id=event_id,
        )
    )


def lock(connection: Connection, number: int) -> ProposedAct | None:
    """The proposal, locked until the transaction ends."""
    query = select(table).where(table.c.number == number).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _act(row)


def open_of(connection: Connection, what: ActKind, subject: str) -> list[ProposedAct]:
    """What waits to be done to it in this way."""
    query = select(table).where(
        table.c.what == what, table.c.subject == subject, table.c.outcome.is_(None)
    )
    return [_act(row) for row in connection.execute(query)]


def decide(
    connection: Connection,
    number: int,
    operator: PersonId,
    outcome: ActOutcome,
    *,
    now: datetime,
    event_id: EventId,
) -> None:
    """Write how it ended, and by whom. The proposal is locked."""
    of_number = update(table).where(table.c.number == number, table.c.outcome.is_(None))
    decided = {"decided_by": operator, "decided_at": now, "outcome": outcome}
    connection.execute(of_number.values(**decided, audit_event_id=event_id))


def newest(connection: Connection, limit: int) -> list[ProposedAct]:
    query = select(table).order_by(table.c.number.desc()).limit(limit)
    return [_act(row) for row in connection.execute(query)]


def _act(row: Any) -> ProposedAct:
    return ProposedAct(
        number=row.number,
        what=ActKind(row.what),
        subject=row.subject,
        document=row.document,
        digest=row.digest,
        proposed_by=PersonId(row.proposed_by),
        proposed_at=row.proposed_at,
        decided_by=None if row.decided_by is None else PersonId(row.decided_by),
        decided_at=row.decided_at,
        outcome=None if row.outcome is None else ActOutcome(row.outcome),
    )
