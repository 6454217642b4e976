"""Roles: what a person may do here besides being a citizen. Granted by the operator, and logged."""

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from policies.ids import PersonId
from policies.vocabulary import Role
from service.store import roles as store


def grant_role(uow: UnitOfWork, person: PersonId, role: Role) -> bool:
    """Give a person a role; False when the person has it already."""
    if role in roles_of(uow.connection, person):
        return False
    event_id = uow.record(Event(kind=Kind.ROLE_GRANTED, subject=person, reason=role.value))
    store.add(uow.connection, person, role, event_id)
    return True


def roles_of(connection: Connection, person: PersonId) -> frozenset[Role]:
    """The person's roles; everybody is a citizen."""
    return frozenset({Role.CITIZEN, *store.of_person(connection, person)})
