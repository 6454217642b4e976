"""Roles: what a person may do here besides being a citizen. Granted by the operator, and logged.

They are read at each request, so one that is taken back is gone at once, in open sessions too.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.reader import happened_at
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


def revoke_role(uow: UnitOfWork, person: PersonId, role: Role) -> bool:
    """Take a role back; False when the person does not have it."""
    if not store.remove(uow.connection, person, role):
        return False
    uow.record(Event(kind=Kind.ROLE_REVOKED, subject=person, reason=role.value))
    return True


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a role, and since when."""

    person: PersonId
    role: Role
    since: datetime | None
    """None where the event is archived."""


def holders(connection: Connection) -> list[Holder]:
    """Everybody who has a role."""
    return [
        Holder(person, role, happened_at(connection, event_id))
        for person, role, event_id in store.every(connection)
    ]


def roles_of(connection: Connection, person: PersonId) -> frozenset[Role]:
    """The person's roles; everybody is a citizen."""
    return frozenset({Role.CITIZEN, *store.of_person(connection, person)})
