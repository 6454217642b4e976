"""Rows of proposals that operators decide: numbered from one on, and decided once."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select, update

from policies.ids import EventId, PersonId


def next_number(connection: Connection, table: Table) -> int:
    """One more than the highest: of two at once the second one fails, and is made again."""
    highest: int | None = connection.execute(select(func.max(table.c.number))).scalar_one()
    return (highest or 0) + 1


def locked(connection: Connection, table: Table, number: int) -> Row[Any] | None:
    """The proposal, locked until the transaction ends."""
    query = select(table).where(table.c.number == number).with_for_update()
    return connection.execute(query).one_or_none()


def decide(
    connection: Connection,
    table: Table,
    number: int,
    operator: PersonId,
    outcome: StrEnum,
    *,
    now: datetime,
    event_id: EventId,
) -> None:
    """Write how it ended, and by whom. The proposal is locked."""
    of_number = update(table).where(table.c.number == number, table.c.outcome.is_(None))
    decided = {"decided_by": operator, "decided_at": now, "outcome": outcome}
    connection.execute(of_number.values(**decided, audit_event_id=event_id))


def newest(connection: Connection, table: Table, limit: int) -> Sequence[Row[Any]]:
    """The newest proposals, the newest first."""
    query = select(table).order_by(table.c.number.desc()).limit(limit)
    return connection.execute(query).all()
