"""SQL on the ids of people who were joined to another."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from policies.ids import PersonId
from vault.store.tables import former


def joined(connection: Connection, people: Collection[PersonId]) -> dict[PersonId, PersonId]:
    """To whom these people were joined; who was not is absent."""
    query = select(former.c.former_id, former.c.person_id).where(former.c.former_id.in_(people))
    return {PersonId(row[0]): PersonId(row[1]) for row in connection.execute(query)}


def joined_to(connection: Connection, person: PersonId) -> list[PersonId]:
    """Who was joined to this person, the latest first."""
    query = select(former.c.former_id).where(former.c.person_id == person)
    rows = connection.execute(query.order_by(former.c.joined_at.desc(), former.c.former_id))
    return [PersonId(each) for each in rows.scalars()]
