"""SQL on people, their keys, identifiers and pseudonyms."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite

from audit.prepared import PreparedSelect
from policies.ids import EventId, OrganisationId, PersonId
from vault.store.joins import IS_NEWEST_KEY
from vault.store.tables import former_subject, identifier, pairwise, person, person_key

# Built once: putting a statement together costs more than running it.
_PERSON_BY_DIGEST = PreparedSelect(
    select(identifier.c.person_id).where(
        identifier.c.digest == bindparam("digest"), identifier.c.valid_to.is_(None)
    )
)

_SEED = (
    select(person.c.pairwise_seed, person_key.c.version, person_key.c.wrapped)
    .join_from(person, person_key, IS_NEWEST_KEY)
    .where(person.c.person_id == bindparam("person"))
)

_ISSUED = select(pairwise.c.subject).where(
    pairwise.c.person_id == bindparam("person"), pairwise.c.sector == bindparam("sector")
)

_PERSON_BY_SUBJECT = union_all(
    *(
        select(table.c.person_id).where(
            table.c.sector == bindparam("sector"), table.c.subject == bindparam("subject")
        )
        for table in (pairwise, former_subject)
    )
)


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A person's key as it is kept."""

    version: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who is about to be written."""

    id: PersonId
    key: WrappedKey
    seed: bytes
    event_id: EventId

    def row(self, now: datetime) -> dict[str, object]:
        return {
            "person_id": self.id,
            "created_at": now,
            "key_version": self.key.version,
            "pairwise_seed": self.seed,
            "audit_event_id": self.event_id,
        }

    def key_row(self, now: datetime) -> dict[str, object]:
        return {
            "person_id": self.id,
            "created_at": now,
            "version": self.key.version,
            "wrapped": self.key.wrapped,
        }


@dataclass(frozen=True, slots=True)
class SealedSeed:
    """The seed of a person's pseudonyms, with the key that opens it."""

    key: WrappedKey
    sealed: bytes


def person_by_identifier(connection: Connection, digest: bytes) -> PersonId | None:
    """To whom the identifier leads now."""
    row = _PERSON_BY_DIGEST.one_or_none(connection, {"digest": digest})
    return None if row is None else PersonId(row.person_id)


def the_person_by_identifier(connection: Connection, digest: bytes) -> PersonId:
    """To whom the identifier leads, where it is known to lead to somebody."""
    (row,) = _PERSON_BY_DIGEST.rows(connection, {"digest": digest})
    return PersonId(row.person_id)


def claim_identifier(
    connection: Connection, person_id: PersonId, *, scheme: str, digest: bytes, now: datetime
) -> bool:
    """Let the identifier lead to the person; False when it leads to somebody already.

    On PostgreSQL this waits for another transaction that claims the same identifier.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"person_id": person_id, "scheme": scheme, "digest": digest, "valid_from": now}
    statement = dialect.insert(identifier).values(row).on_conflict_do_nothing()
    claimed = connection.execute(statement.returning(identifier.c.person_id))
    return claimed.one_or_none() is not None


def schemes_of(connection: Connection, person_id: PersonId) -> list[str]:
    """The schemes of all identifiers that lead or led to the person."""
    query = select(identifier.c.scheme).where(identifier.c.person_id == person_id).distinct()
    return list(connection.execute(query).scalars())


def close_identifiers(
    connection: Connection, person_id: PersonId, *, scheme: str, but: bytes, now: datetime
) -> None:
    """End the person's open identifiers of the scheme, but for one."""
    table = identifier
    mine = (table.c.person_id == person_id, table.c.scheme == scheme, table.c.valid_to.is_(None))
    connection.execute(update(table).where(*mine, table.c.digest != but).values(valid_to=now))


def add_person(connection: Connection, new: NewPerson, *, now: datetime) -> None:
    """Write a person with the first key."""
    connection.execute(insert(person_key).values(new.key_row(now)))
    connection.execute(insert(person).values(new.row(now)))


def pairwise_seed(connection: Connection, person_id: PersonId) -> SealedSeed | None:
    """The person's seed, still sealed."""
    row = connection.execute(_SEED, {"person": person_id}).one_or_none()
    if row is None:
        return None
    return SealedSeed(WrappedKey(row.version, row.wrapped), row.pairwise_seed)


def is_pairwise_issued(connection: Connection, person_id: PersonId, sector: OrganisationId) -> bool:
    """True when the person's pseudonym for the sector has been handed out before."""
    parameters = {"person": person_id, "sector": sector}
    return connection.execute(_ISSUED, parameters).one_or_none() is not None


def add_pairwise(
    connection: Connection,
    person_id: PersonId,
    *,
    sector: OrganisationId,
    subject: str,
    now: datetime,
    event_id: EventId,
) -> None:
    """Write down a pseudonym that is handed out."""
    row = {"person_id": person_id, "sector": sector, "subject": subject, "issued_at": now}
    connection.execute(insert(pairwise).values(**row, audit_event_id=event_id))


def person_by_pairwise(
    connection: Connection, *, sector: OrganisationId, subject: str
) -> PersonId | None:
    """Whose pseudonym it is."""
    parameters = {"sector": sector, "subject": subject}
    found = connection.execute(_PERSON_BY_SUBJECT, parameters).scalar_one_or_none()
    return None if found is None else PersonId(found)
