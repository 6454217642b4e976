"""Tables of the vault. Nothing here leaves the room.

Everything about a person carries the person's id first, so that tables can be spread by it.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    Column,
    Connection,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from audit.database import Instant
from policies.ids import (
    AttributeId,
    DatasetId,
    EventId,
    OrganisationId,
    PersonId,
    RecordId,
    SourceId,
)
from policies.vocabulary import AuthorityRank, Label

metadata = MetaData()

_OPEN = text("valid_to IS NULL")

person = Table(
    "vault_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("key_version", Integer, nullable=False),
    Column("pairwise_seed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
)
"""A person whom the vault knows; the seed is sealed under the key of `key_version`."""

person_key = Table(
    "vault_person_key",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)
"""The person's keys, wrapped: the newest seals, all open. Deleting the rows is the erasure."""

identifier = Table(
    "vault_identifier",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("valid_from", Instant, primary_key=True),
    Column("valid_to", Instant),
    Column("scheme", String(64), nullable=False),
    Index(
        "vault_identifier_open",
        "digest",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
)
"""Keyed hashes of identifiers, with the time in which each led to the person.

The index is what makes two enrolments at once give one person. A row is claimed before anything
is known about who wins, so the event stands at the person's row and in the log.
"""

pairwise = Table(
    "vault_pairwise",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("sector", String(64), primary_key=True),
    Column("subject", String(22), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    UniqueConstraint("sector", "subject"),
)
"""Pseudonyms handed out, for looking up who is meant when one comes back."""

deposit = Table(
    "vault_deposit",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("deposit_id", Uuid, primary_key=True),
    Column("dataset", String(64), nullable=False),
    Column("source", String(64), nullable=False),
    Column("document", LargeBinary(32), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    UniqueConstraint("person_id", "dataset", "source", "document"),
)
"""Insert-only. The document's digest is keyed: a short document could be guessed from a plain one.
"""

record = Table(
    "vault_record",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("attribute", String(96), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("record_id", Uuid, nullable=False),
    Column("dataset", String(64), nullable=False),
    Column("current", Integer, nullable=False),
    Column("latest", Integer, nullable=False),
    UniqueConstraint("person_id", "record_id"),
)
"""What one source says about one attribute: which version counts, and how many there are.

An older document that comes late adds a version and does not become the current one.
"""

version = Table(
    "vault_record_version",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("record_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("key_version", Integer, nullable=False),
    Column("deposit_id", Uuid, nullable=False),
    Column("authority", SmallInteger, nullable=False),
    Column("observed_at", Instant, nullable=False),
    Column("valid_to", Date),
    Column("labels", String(128), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(
        ["person_id", "record_id"], ["vault_record.person_id", "vault_record.record_id"]
    ),
    ForeignKeyConstraint(
        ["person_id", "deposit_id"], ["vault_deposit.person_id", "vault_deposit.deposit_id"]
    ),
)
"""Insert-only. Provenance stands here for lists; what counts is the copy inside the seal."""


class ConcurrentDepositError(RuntimeError):
    """The record has moved on since it was read; deposits of one person must queue."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A person's key as it is kept."""

    version: int
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class SealedSeed:
    """The seed of a person's pseudonyms, with the key that opens it."""

    key: WrappedKey
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """A record's current version with its rank, and the number of its versions."""

    record: RecordId
    current: int
    latest: int
    authority: AuthorityRank
    observed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version to write. `labels` stands there for lists; the seal holds them too."""

    attribute: AttributeId
    record: RecordId
    version: int
    authority: AuthorityRank
    observed_at: datetime
    valid_to: date | None
    labels: frozenset[Label]
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """The current version of one source's record, with the key that opens it."""

    attribute: AttributeId
    dataset: DatasetId
    record: RecordId
    version: int
    sealed: bytes
    key: WrappedKey


@dataclass(frozen=True, slots=True)
class Holding:
    """What is held about a person, without the value."""

    dataset: DatasetId
    attribute: AttributeId
    source: SourceId
    authority: AuthorityRank
    observed_at: datetime
    valid_to: date | None
    labels: frozenset[Label]
    version: int


def person_by_identifier(connection: Connection, digest: bytes) -> PersonId | None:
    """To whom the identifier leads now."""
    query = select(identifier.c.person_id).where(
        identifier.c.digest == digest, identifier.c.valid_to.is_(None)
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else PersonId(found)


def the_person_by_identifier(connection: Connection, digest: bytes) -> PersonId:
    """To whom the identifier leads, where it is known to lead to somebody."""
    query = select(identifier.c.person_id).where(
        identifier.c.digest == digest, identifier.c.valid_to.is_(None)
    )
    return PersonId(connection.execute(query).scalar_one())


def claim_identifier(
    connection: Connection, person_id: PersonId, *, scheme: str, digest: bytes, now: datetime
) -> bool:
    """Let the identifier lead to the person; False when it leads to somebody already.

    On PostgreSQL this waits for another transaction that claims the same identifier.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"person_id": person_id, "scheme": scheme, "digest": digest, "valid_from": now}
    statement = dialect.insert(identifier).values(row).on_conflict_do_nothing()
    return connection.execute(statement).rowcount == 1


def close_identifiers(
    connection: Connection, person_id: PersonId, *, scheme: str, now: datetime
) -> None:
    """End the person's open identifiers of the scheme."""
    table = identifier
    mine = (table.c.person_id == person_id, table.c.scheme == scheme, table.c.valid_to.is_(None))
    connection.execute(update(table).where(*mine).values(valid_to=now))


def add_person(
    connection: Connection,
    person_id: PersonId,
    *,
    key: WrappedKey,
    seed: bytes,
    now: datetime,
    event_id: EventId,
) -> None:
    """Write a person with the first key."""
    owner = {"person_id": person_id, "created_at": now}
    connection.execute(insert(person_key).values(**owner, version=key.version, wrapped=key.wrapped))
    connection.execute(
        insert(person).values(
            **owner, key_version=key.version, pairwise_seed=seed, audit_event_id=event_id
        )
    )


def lock_person(connection: Connection, person_id: PersonId) -> WrappedKey | None:
    """The person's newest key. Who writes about one person queues here on PostgreSQL."""
    query = (
        select(person_key.c.version, person_key.c.wrapped)
        .where(person_key.c.person_id == person_id)
        .order_by(person_key.c.version.desc())
        .limit(1)
        .with_for_update()
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else WrappedKey(row.version, row.wrapped)


def pairwise_seed(connection: Connection, person_id: PersonId) -> SealedSeed | None:
    """The person's seed, still sealed."""
    query = (
        select(person.c.pairwise_seed, person_key.c.version, person_key.c.wrapped)
        .join_from(
            person,
            person_key,
            (person_key.c.person_id == person.c.person_id)
            & (person_key.c.version == person.c.key_version),
        )
        .where(person.c.person_id == person_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return SealedSeed(WrappedKey(row.version, row.wrapped), row.pairwise_seed)


def is_pairwise_issued(connection: Connection, person_id: PersonId, sector: OrganisationId) -> bool:
    """True when the person's pseudonym for the sector has been handed out before."""
    table = pairwise
    query = select(table.c.subject).where(table.c.person_id == person_id, table.c.sector == sector)
    return connection.execute(query).one_or_none() is not None


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
    table = pairwise
    query = select(table.c.person_id).where(table.c.sector == sector, table.c.subject == subject)
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else PersonId(found)
