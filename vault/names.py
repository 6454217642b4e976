"""Who somebody is now, and was before: ids of people who were joined to another (vault.merging)."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from audit.scope import turn_to
from policies.ids import PersonId
from vault.store import names as store
from vault.store.erasures import is_here


def is_known(connection: Connection, person: PersonId) -> bool:
    """Whether there is somebody of that id: not erased, and not joined to another."""
    turn_to(connection, person)
    return is_here(connection, person)


def who_now(connection: Connection, people: Collection[PersonId]) -> Mapping[PersonId, PersonId]:
    """Who these people are now; whoever was joined to another is that one."""
    joined = store.joined(connection, people)
    return {person: joined.get(person, person) for person in people}


def who_before(connection: Connection, person: PersonId) -> list[PersonId]:
    """Who was joined to this person, the latest first; what she did as them stays under that id."""
    return store.joined_to(connection, person)
