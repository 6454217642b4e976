"""SQL on people's keys, for the key ring and for sealing anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from audit.wrapped_keys import WrappedKeys
from policies.ids import EventId, PersonId
from vault.store.people import WrappedKey
from vault.store.tables import deposit, key_rotation, person, person_key, record, resealed, version

_IS_NEWEST = (person_key.c.person_id == person.c.person_id) & (
    person_key.c.version == person.c.key_version
)


def person_keys(context: Callable[[PersonId, int], bytes]) -> WrappedKeys:
    """The keys of people, as the key ring sees them."""
    return WrappedKeys(
        person_key,
        reason="person-keys",
        context=lambda row: context(PersonId(row.person_id), row.version),
    )


class Step(StrEnum):
    """What happens to a rotation of people's keys, in this order."""

    BEGUN = "begun"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SealedVersion:
    """A version of a record as it stands, with all its columns."""

    row: Mapping[str, Any] = field(repr=False)
    dataset: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a deposit was sealed anew as, and the event that tells of it."""

    deposit: UUID
    digest: bytes
    event_id: EventId


def keys_of(connection: Connection, person_id: PersonId) -> list[WrappedKey]:
    """All keys of the person, oldest first."""
    query = select(person_key.c.version, person_key.c.wrapped)
    mine = query.where(person_key.c.person_id == person_id).order_by(person_key.c.version)
    return [WrappedKey(row.version, row.wrapped) for row in connection.execute(mine)]


def seed_of(connection: Connection, person_id: PersonId) -> tuple[int, bytes]:
    """The seed of the person's pseudonyms, with the version of the key under which it is sealed."""
    query = select(person.c.key_version, person.c.pairwise_seed)
    row = connection.execute(query.where(person.c.person_id == person_id)).one()
    return row.key_version, row.pairwise_seed


def is_older(connection: Connection, person_id: PersonId, moment: datetime) -> bool:
    """Whether the key under which the person's data is sealed now is older than the moment."""
    query = _older_than(moment).where(person.c.person_id == person_id)
    return connection.execute(query).one_or_none() is not None


def next_older(
    connection: Connection, moment: datetime, *, after: PersonId | None, limit: int
) -> list[PersonId]:
    """The next people whose key is older than the moment, by their ids."""
    query = _older_than(moment).order_by(person.c.person_id).limit(limit)
    if after is not None:
        query = query.where(person.c.person_id > after)
    return [PersonId(row.person_id) for row in connection.execute(query)]


def count_older(connection: Connection, moment: datetime) -> tuple[int, int]:
    """How many people have a key that is older than the moment, and how many people there are."""
    older = select(func.count()).select_from(_older_than(moment).subquery()).scalar_subquery()
    everybody = select(func.count()).select_from(person).scalar_subquery()
    row = connection.execute(select(older, everybody)).one()
    return row[0], row[1]


def versions_of(connection: Connection, person_id: PersonId) -> list[SealedVersion]:
    """Every version of every record of the person."""
    is_of = (record.c.person_id == version.c.person_id) & (
        record.c.record_id == version.c.record_id
    )
    query = select(record.c.dataset, record.c.attribute, *version.columns)
    query = query.join_from(version, record, is_of).where(version.c.person_id == person_id)
    ordered = query.order_by(version.c.record_id, version.c.version)
    columns = [each.name for each in version.columns]
    return [
        SealedVersion(dict(zip(columns, row[2:], strict=True)), row[0], row[1])
        for row in connection.execute(ordered)
    ]


def put_key(
    connection: Connection, person_id: PersonId, key: WrappedKey, *, seed: bytes, now: datetime
) -> None:
    """Give the person a new key, under which the seed is sealed, in the place of all others."""
    of_person = person_key.c.person_id == person_id
    connection.execute(delete(person_key).where(of_person))
    row = {"person_id": person_id, "version": key.version, "wrapped": key.wrapped}
    connection.execute(insert(person_key).values(**row, created_at=now))
    values = {"key_version": key.version, "pairwise_seed": seed}
    connection.execute(update(person).where(person.c.person_id == person_id).values(values))


def put_versions(
    connection: Connection, person_id: PersonId, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write all versions of the person's records in the place of those that stand there.

    They are never updated (audit.insert_only), so the old ones go first.
    """
    if rows:
        connection.execute(delete(version).where(version.c.person_id == person_id))
        connection.execute(insert(version), list(rows))


def add_resealed(
    connection: Connection,
    person_id: PersonId,
    digests: Mapping[UUID, bytes],
    *,
    key_version: int,
    event_id: EventId,
) -> None:
    """Write down what each deposit's versions are sealed as now."""
    rows = [
        {
            "person_id": person_id,
            "deposit_id": deposit_id,
            "key_version": key_version,
            "digest": digest,
            "audit_event_id": event_id,
        }
        for deposit_id, digest in digests.items()
    ]
    if rows:
        connection.execute(insert(resealed), rows)


def resealed_of(connection: Connection, person_id: PersonId) -> list[Resealed]:
    """What is kept of every time that the person's data was sealed anew, oldest first."""
    query = select(resealed).where(resealed.c.person_id == person_id)
    return [
        Resealed(row.deposit_id, row.digest, EventId(row.audit_event_id))
        for row in connection.execute(query.order_by(resealed.c.key_version))
    ]


def deposit_events(connection: Connection, person_id: PersonId) -> dict[UUID, EventId]:
    """The event of each deposit about the person."""
    query = select(deposit.c.deposit_id, deposit.c.audit_event_id)
    mine = query.where(deposit.c.person_id == person_id)
    return {row.deposit_id: EventId(row.audit_event_id) for row in connection.execute(mine)}


def rotation_steps(connection: Connection) -> list[tuple[int, Step, datetime]]:
    """The steps of every rotation, oldest first."""
    table = key_rotation
    query = select(table.c.number, table.c.step, table.c.at).order_by(table.c.number, table.c.at)
    return [(row.number, Step(row.step), row.at) for row in connection.execute(query)]


def add_rotation_step(
    connection: Connection, number: int, step: Step, *, at: datetime, event_id: EventId
) -> None:
    """Write down a step of a rotation."""
    row = {"number": number, "step": step, "at": at, "audit_event_id": event_id}
    connection.execute(insert(key_rotation).values(row))


def _older_than(moment: datetime) -> Select[Any]:
    query = select(person.c.person_id).join_from(person, person_key, _IS_NEWEST)
    return query.where(person_key.c.created_at < moment)
