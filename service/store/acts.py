"""Rows of acts that wait for a second operator."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from policies.ids import EventId, PersonId
from service.proposed_act import ActKind, ActOutcome, ProposedAct
from service.store import numbered
from service.store.tables import proposed_act as table


def next_number(connection: Connection) -> int:
    return numbered.next_number(connection, table)


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
    row = numbered.locked(connection, table, number)
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
    numbered.decide(connection, table, number, operator, outcome, now=now, event_id=event_id)


def newest(connection: Connection, limit: int) -> list[ProposedAct]:
    return [_act(row) for row in numbered.newest(connection, table, limit)]


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
