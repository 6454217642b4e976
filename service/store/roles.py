"""Rows of roles."""

from sqlalchemy import Connection, insert, select

from policies.ids import EventId, PersonId
from policies.vocabulary import Role
from service.store.tables import role as table


def add(connection: Connection, person: PersonId, role: Role, event_id: EventId) -> None:
    row = {"person_id": person, "role": role, "audit_event_id": event_id}
    connection.execute(insert(table).values(row))


def of_person(connection: Connection, person: PersonId) -> list[Role]:
    query = select(table.c.role).where(table.c.person_id == person)
    return [Role(role) for role in connection.execute(query).scalars()]
