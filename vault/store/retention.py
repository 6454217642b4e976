"""SQL on values whose time is over."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    or_,
    select,
    tuple_,
)

from policies.ids import AttributeId, DatasetId, PersonId
from policies.vocabulary import Label
from vault.store.erasures import of_people
from vault.store.joins import OF_DEPOSIT, OF_RECORD
from vault.store.tables import deposit, record, version


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is older than this may be over."""

    stated: datetime
    """A value that counts, by when it was stated, and by the end of its validity."""
    replaced: datetime
    """Another value, by when it came."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One version, as far as its age is looked at."""

    dataset: DatasetId
    attribute: AttributeId
    record: UUID
    version: int
    counts: bool
    observed_at: datetime
    valid_to: date | None
    received_at: datetime
    labels: frozenset[Label]
    """Of the version, and whether the person's dispute or restriction stands on its record."""


def due(
    connection: Connection,
    cutoffs: Mapping[DatasetId, Cutoffs],
    attributes: Collection[AttributeId],
    *,
    after: PersonId | None,
    limit: int,
) -> list[PersonId]:
    """The next people of whom something may be over, by their ids.

    The cutoffs and the attributes are all that there are: of anything else nothing is kept.
    """
    over = or_(
        record.c.dataset.not_in(cutoffs),
        record.c.attribute.not_in(attributes),
        *(_over(dataset, each) for dataset, each in cutoffs.items()),
    )
    query = (
        select(record.c.person_id)
        .join_from(record, version, OF_RECORD)
        .join(deposit, OF_DEPOSIT)
        .where(over, ~record.c.disputed, ~record.c.restricted)
        .distinct()
        .order_by(record.c.person_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(record.c.person_id > after)
    return [PersonId(each) for each in connection.execute(query).scalars()]


def kept(connection: Connection, person_id: PersonId) -> list[Kept]:
    """Every version of every record of the person, without what is sealed."""
    query = (
        select(
            record.c.dataset,
            record.c.attribute,
            record.c.record_id,
            record.c.current,
            record.c.disputed,
            record.c.restricted,
            version.c.version,
            version.c.observed_at,
            version.c.valid_to,
            version.c.labels,
            deposit.c.received_at,
        )
        .join_from(record, version, OF_RECORD)
        .join(deposit, OF_DEPOSIT)
        .where(record.c.person_id == person_id)
        .order_by(record.c.attribute, record.c.record_id, version.c.version)
    )
    return [
        Kept(
            DatasetId(row.dataset),
            AttributeId(row.attribute),
            row.record_id,
            row.version,
            row.version == row.current,
            row.observed_at,
            row.valid_to,
            row.received_at,
            frozenset(Label(label) for label in row.labels.split())
            | ({Label.DISPUTED} if row.disputed else set())
            | ({Label.RESTRICTED} if row.restricted else set()),
        )
        for row in connection.execute(query)
    ]


def delete_records(connection: Connection, person_id: PersonId, records: Collection[UUID]) -> None:
    """Delete these records with all that belongs to them."""
    for table in of_people():
        if "record_id" in table.c:
            of_records = (table.c.person_id == person_id) & table.c.record_id.in_(records)
            connection.execute(delete(table).where(of_records))


def delete_versions(
    connection: Connection, person_id: PersonId, versions: Collection[tuple[UUID, int]]
) -> None:
    """Delete single versions; their records stay."""
    key = tuple_(version.c.record_id, version.c.version)
    of_person = version.c.person_id == person_id
    connection.execute(delete(version).where(of_person, key.in_(versions)))


def delete_empty_deposits(connection: Connection, person_id: PersonId) -> None:
    """Delete the deposits of which no version is left: the same document may come again."""
    left = exists().where(OF_DEPOSIT)
    connection.execute(delete(deposit).where(deposit.c.person_id == person_id, ~left))


def _over(dataset: DatasetId, cutoffs: Cutoffs) -> ColumnElement[bool]:
    counts = version.c.version == record.c.current
    still_valid = and_(version.c.valid_to.is_not(None), version.c.valid_to >= cutoffs.stated.date())
    return and_(
        record.c.dataset == dataset,
        or_(
            and_(counts, version.c.observed_at <= cutoffs.stated, ~still_valid),
            and_(~counts, deposit.c.received_at <= cutoffs.replaced),
        ),
    )
