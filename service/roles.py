"""Roles: what a person may do here besides being a citizen. Granted by the operator, and logged."""

from sqlalchemy import Connection, insert, select

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from policies.ids import PersonId
from policies.vocabulary import Role
from service import store


def grant_role(uow: UnitOfWork, person: PersonId, role: Role) -> bool:
    """Give a person a role; False when the person has it already."""
    if role in roles_of(uow.connection, person):
        return False
    event_id = uow.record(Event(kind=Kind.ROLE_GRANTED, subject=person, reason=role.value))
    row = {"person_id": person, "role": role, "audit_event_id": event_id}
    uow.connection.execute(insert(store.role).values(row))
    return True


def roles_of(connection: Connection, person: PersonId) -> frozenset[Role]:
    """The person's roles; everybody is a citizen."""
    table = store.role
    granted = connection.execute(select(table.c.role).where(table.c.person_id == person)).scalars()
    return frozenset({Role.CITIZEN, *(Role(role) for role in granted)})
