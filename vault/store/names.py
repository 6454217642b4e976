"""SQL on the ids of people who were joined to another."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, select

from policies.ids import OrganisationId, PersonId
from vault.store.tables import former, former_subject, pairwise


def joined(connection: Connection, people: Collection[PersonId]) -> dict[PersonId, PersonId]:
    """To whom these people were joined; who was not is absent."""
    query = select(former.c.former_id, former.c.person_id).where(former.c.former_id.in_(people))
    return {PersonId(row[0]): PersonId(row[1]) for row in connection.execute(query)}


def joined_to(connection: Connection, person: PersonId) -> list[PersonId]:
    """Who was joined to this person, the latest first."""
    query = select(former.c.former_id).where(former.c.person_id == person)
    rows = connection.execute(query.order_by(former.c.joined_at.desc(), former.c.former_id))
    return [PersonId(each) for each in rows.scalars()]


def subjects(connection: Connection, person: PersonId) -> dict[OrganisationId, str]:
    """The person's pseudonyms that were handed out, by organisation."""
    query = select(pairwise.c.sector, pairwise.c.subject).where(pairwise.c.person_id == person)
    return {OrganisationId(row.sector): row.subject for row in connection.execute(query)}


def former_subjects(connection: Connection, person: PersonId) -> dict[OrganisationId, list[str]]:
    """The pseudonyms of those who were joined to the person, by organisation, oldest first."""
    table = former_subject
    query = select(table.c.sector, table.c.subject).where(table.c.person_id == person)
    found = defaultdict[OrganisationId, list[str]](list)
    for row in connection.execute(query.order_by(table.c.issued_at, table.c.subject)):
        found[OrganisationId(row.sector)].append(row.subject)
    return dict(found)
