"""Roles: what a person may do here besides being a citizen. Granted by the operator, and logged.

They are read at each request, so one that is taken back is gone at once, in open sessions too.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.journal_line import JournalEntry, Told, digest_of, role_revoked
from audit.model import Event, Kind
from audit.reader import happened_at
from audit.replaying import Word, Words, changed_since
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
    """Take a role back, also from what a restored backup brings; False when the person does not
    have it."""
    if not store.remove(uow.connection, person, role):
        return False
    uow.record(Event(kind=Kind.ROLE_REVOKED, subject=person, reason=role.value))
    uow.tell_outside(role_revoked(person, role.value, at=uow.now), may_be_late=True)
    return True


def _stands(connection: Connection, entry: JournalEntry) -> bool:
    """Whether the person has the role, and has not been given it again since the line."""
    granted = store.granted_by(connection, PersonId(entry.id_at(0)), _role(entry))
    return granted is not None and not changed_since(connection, granted, entry.at)


def _revoke(uow: UnitOfWork, entry: JournalEntry) -> None:
    revoke_role(uow, PersonId(entry.id_at(0)), _role(entry))


def _role(entry: JournalEntry) -> Role:
    return {digest_of(each.value): each for each in Role}[entry.about[1]]


WORDS: Words = {Told.ROLE_REVOKED: Word(_stands, _revoke)}
"""What of the journal this module does again (audit.replaying)."""


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
