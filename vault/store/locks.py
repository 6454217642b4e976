"""Locks on people: who writes about somebody queues here.

On PostgreSQL everybody takes locks in one order, so that nobody waits for ever: consents by their
ids, then identifiers by their digests (vault.store.people.claim_identifier), then people by their
ids, then their keys (audit.row_order). The log's locks come last, at the end of a unit of work.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from policies.ids import PersonId
from vault.store.joins import IS_NEWEST_KEY
from vault.store.many import among
from vault.store.people import WrappedKey
from vault.store.tables import person, person_key


def lock_people(connection: Connection, people: Collection[PersonId]) -> dict[PersonId, WrappedKey]:
    """Lock these people until the transaction ends; the newest key of each who is here.

    The lock is on the person and not on the key, which may be replaced by another one while we
    wait. So the keys are asked for by a statement of their own: it sees what was committed
    meanwhile.
    """
    named, dialect = {"people": list(people)}, connection.dialect.name
    if dialect != "sqlite":  # where a writer is alone
        connection.execute(_in_order(dialect), named).all()
    return {
        PersonId(row.person_id): WrappedKey(row.version, row.wrapped)
        for row in connection.execute(_newest_keys(dialect), named)
    }


def lock_person(connection: Connection, person_id: PersonId) -> WrappedKey | None:
    """Lock one person, and give her newest key; None when she is not here."""
    return lock_people(connection, [person_id]).get(person_id)


@cache
def _in_order(dialect: str) -> Select[Any]:
    these = among(dialect, person.c.person_id, "people")
    query = select(person.c.person_id).where(these).order_by(person.c.person_id)
    return query.with_for_update()


@cache
def _newest_keys(dialect: str) -> Select[Any]:
    query = select(person.c.person_id, person_key.c.version, person_key.c.wrapped)
    query = query.join_from(person, person_key, IS_NEWEST_KEY)
    return query.where(among(dialect, person.c.person_id, "people"))
