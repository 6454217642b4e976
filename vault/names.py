"""Who somebody is now, and was before: ids of people who were joined to another (vault.merging)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from audit.scope import turn_to
from policies.ids import OrganisationId, PersonId
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


@dataclass(frozen=True, slots=True)
class Subjects:
    """Under which names an organisation knows a person."""

    own: str | None = None
    """None where it has not been given one since she was joined to another."""
    former: tuple[str, ...] = ()
    """Names of those who were joined to her."""


NOWHERE = Subjects()


def subjects_of(connection: Connection, person: PersonId) -> Mapping[OrganisationId, Subjects]:
    """The names that were handed out, by organisation."""
    own = store.subjects(connection, person)
    former = store.former_subjects(connection, person)
    return {
        sector: Subjects(own.get(sector), tuple(former.get(sector, ())))
        for sector in own.keys() | former.keys()
    }
