"""SQL on people's keys, for the key ring and for sealing anew."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from audit.prepared import PreparedSelect
from audit.row_order import lock_rows
from audit.wrapped_keys import WrappedKeys
from policies.ids import EventId, PersonId
from vault.store.joins import IS_NEWEST_KEY, OF_RECORD
from vault.store.people import WrappedKey
from vault.store.tables import deposit, key_rotation, person, person_key, record, resealed, version

_KEYS = PreparedSelect(
    select(
        person.c.person_id,
        person.c.key_version,
        person.c.pairwise_seed,
        person_key.c.version,
        person_key.c.wrapped,
        person_key.c.created_at,
    )
    .join_from(person, person_key, person_key.c.person_id == person.c.person_id)
    .where(person.c.person_id.in_(bindparam("people", expanding=True)))
)

_VERSIONS = PreparedSelect(
    select(record.c.dataset, record.c.attribute, *version.columns)
    .join_from(version, record, OF_RECORD)
    .where(version.c.person_id.in_(bindparam("people", expanding=True)))
)

_PUT_SEED = (
    update(person)
    .where(person.c.person_id == bindparam("of_person"))
    .values(key_version=bindparam("version"), pairwise_seed=bindparam("seed"))
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
class SealedUnder:
    """The keys of a person, and the seed of her pseudonyms under the newest of them."""

    since: datetime
    """When the newest key was made."""
    newest: int
    seed: bytes
    keys: tuple[WrappedKey, ...]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A person's new key, and the seed under it."""

    person: PersonId
    key: WrappedKey
    seed: bytes
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a deposit was sealed anew as, and the event that tells of it."""

    deposit: UUID
    digest: bytes
    event_id: EventId


def sealed_under(connection: Connection, people: Sequence[PersonId]) -> dict[PersonId, SealedUnder]:
    """What each person's data is sealed under, once they are locked."""
    found: dict[PersonId, list[Any]] = defaultdict(list)
    for row in _KEYS.rows(connection, {"people": [*people]}):
        found[PersonId(row.person_id)].append(row)
    return {person_id: _sealed_under(rows) for person_id, rows in found.items()}


def next_older(
    connection: Connection, moment: datetime, *, after: PersonId | None, limit: int
) -> list[PersonId]:
    """The next people whose key is older than the moment, by their ids."""
    query = _older_than(moment).order_by(person.c.person_id).limit(limit)
    if after is not None:
        query = query.where(person.c.person_id > after)
    return [PersonId(row.person_id) for row in connection.execute(query)]


def people_after(connection: Connection, after: PersonId | None, limit: int) -> list[PersonId]:
    """The next people, by their ids."""
    query = select(person.c.person_id).order_by(person.c.person_id).limit(limit)
    if after is not None:
        query = query.where(person.c.person_id > after)
    return [PersonId(each) for each in connection.execute(query).scalars()]


def count_older(connection: Connection, moment: datetime) -> tuple[int, int]:
    """How many people have a key that is older than the moment, and how many people there are."""
    older = select(func.count()).select_from(_older_than(moment).subquery()).scalar_subquery()
    everybody = select(func.count()).select_from(person).scalar_subquery()
    row = connection.execute(select(older, everybody)).one()
    return row[0], row[1]


def versions_of(
    connection: Connection, people: Sequence[PersonId]
) -> dict[PersonId, list[SealedVersion]]:
    """Every version of every record of each person; who has none is absent."""
    columns = [each.name for each in version.columns]
    found: dict[PersonId, list[SealedVersion]] = defaultdict(list)
    for values in _VERSIONS.rows(connection, {"people": [*people]}):
        row = dict(zip(columns, values[2:], strict=True))
        found[PersonId(row["person_id"])].append(SealedVersion(row, values[0], values[1]))
    return found


def put_keys(connection: Connection, keys: Sequence[NewKey]) -> None:
    """Give each person a new key, under which the seed is sealed, in the place of all others.

    The people must be locked. Their keys are locked in the order in which they are wrapped anew
    (audit.wrapped_keys), which does not ask for the people.
    """
    of_people = person_key.c.person_id.in_([each.person for each in keys])
    lock_rows(connection, person_key, of_people)
    connection.execute(delete(person_key).where(of_people))
    rows = [
        {
            "person_id": each.person,
            "version": each.key.version,
            "wrapped": each.key.wrapped,
            "created_at": each.made_at,
        }
        for each in keys
    ]
    connection.execute(insert(person_key), rows)
    seeds = [
        {"of_person": each.person, "version": each.key.version, "seed": each.seed} for each in keys
    ]
    connection.execute(_PUT_SEED, seeds)


def put_versions(
    connection: Connection, people: Sequence[PersonId], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Write all versions of these people's records in the place of those that stand there.

    They are never updated (audit.insert_only), so the old ones go first.
    """
    if rows:
        connection.execute(delete(version).where(version.c.person_id.in_(people)))
        connection.execute(insert(version), list(rows))


def add_resealed(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down what each deposit's versions are sealed as now."""
    if rows:
        connection.execute(insert(resealed), list(rows))


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
    query = select(person.c.person_id).join_from(person, person_key, IS_NEWEST_KEY)
    return query.where(person_key.c.created_at < moment)


def _sealed_under(rows: Sequence[Any]) -> SealedUnder:
    """From a person's rows, one for each key; the newest is among them."""
    (newest,) = (row for row in rows if row.version == row.key_version)
    keys = tuple(WrappedKey(row.version, row.wrapped) for row in rows)
    return SealedUnder(newest.created_at, newest.key_version, newest.pairwise_seed, keys)
