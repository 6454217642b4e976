"""Rows of roles."""

from sqlalchemy import Connection, delete, insert, select

from policies.ids import EventId, PersonId
from policies.vocabulary import Role
from service.store.tables import role as table


def add(connection: Connection, person: PersonId, role: Role, event_id: EventId) -> None:
    row = {"person_id": person, "role": role, "audit_event_id": event_id}
    connection.execute(insert(table).values(row))


def of_person(connection: Connection, person: PersonId) -> list[Role]:
    query = select(table.c.role).where(table.c.person_id == person)
    return [Role(role) for role in connection.execute(query).scalars()]


def granted_by(connection: Connection, person: PersonId, role: Role) -> EventId | None:
    """The event that gave the person the role, None when she does not have it."""
    of_person = (table.c.person_id == person) & (table.c.role == role)
    found = connection.execute(select(table.c.audit_event_id).where(of_person)).scalar_one_or_none()
    return None if found is None else EventId(found)


def remove(connection: Connection, person: PersonId, role: Role) -> bool:
    """Take the role back; False when the person does not have it (any more)."""
    of_person = (table.c.person_id == person) & (table.c.role == role)
    return connection.execute(delete(table).where(of_person)).rowcount == 1


def remove_all(connection: Connection, person: PersonId) -> None:
    """Take every role back from a person who is erased."""
    connection.execute(delete(table).where(table.c.person_id == person))


def every(connection: Connection) -> list[tuple[PersonId, Role, EventId]]:
    """Who has which role, and the event by which."""
    query = select(table.c.person_id, table.c.role, table.c.audit_event_id)
    rows = connection.execute(query.order_by(table.c.role, table.c.person_id))
    return [(PersonId(row[0]), Role(row[1]), EventId(row[2])) for row in rows]
