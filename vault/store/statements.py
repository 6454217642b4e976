"""SQL on signed statements of erasures."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from policies.ids import PersonId
from vault.store.tables import statement as table


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it was given."""

    erasure: UUID
    person: PersonId
    jws: str = field(repr=False)
    issued_at: datetime
    kept_until: datetime


def add(connection: Connection, new: Statement) -> None:
    connection.execute(
        insert(table).values(
            person_id=new.person,
            erasure_id=new.erasure,
            jws=new.jws,
            issued_at=new.issued_at,
            kept_until=new.kept_until,
        )
    )


def find(connection: Connection, erasure_id: UUID, *, now: datetime) -> Statement | None:
    """The statement of an erasure while it is kept."""
    query = select(table).where(table.c.erasure_id == erasure_id, table.c.kept_until > now)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    person = PersonId(row.person_id)
    return Statement(row.erasure_id, person, row.jws, row.issued_at, row.kept_until)


def delete_old(connection: Connection, *, now: datetime) -> int:
    """Delete those whose time is over; how many there were."""
    return connection.execute(delete(table).where(table.c.kept_until <= now)).rowcount
