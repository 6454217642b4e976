"""SQL on the versions of records, for the person's own view."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from policies.ids import AttributeId, DatasetId, PersonId, RecordId
from vault.store.joins import OF_DEPOSIT, OF_RECORD, OPENS_VERSION
from vault.store.people import WrappedKey
from vault.store.records import SealedRecord, marks_of
from vault.store.tables import deposit, person_key, record, version

_VERSIONS = (
    select(
        record.c.attribute,
        record.c.dataset,
        record.c.record_id,
        record.c.current,
        record.c.disputed,
        record.c.restricted,
        version.c.version,
        version.c.sealed,
        person_key.c.version.label("key_version"),
        person_key.c.wrapped,
        deposit.c.received_at,
    )
    .join_from(record, version, OF_RECORD)
    .join(person_key, OPENS_VERSION)
    .join(deposit, OF_DEPOSIT)
)


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version of a record with when it came, and whether it is the one that counts."""

    sealed: SealedRecord
    received_at: datetime
    counts: bool


def versions(
    connection: Connection,
    person_id: PersonId,
    attributes: Collection[AttributeId],
    *,
    whole: bool,
) -> list[StoredVersion]:
    """What every source holds about these attributes: what counts now, or the whole history."""
    query = _VERSIONS.where(record.c.person_id == person_id, record.c.attribute.in_(attributes))
    if not whole:
        query = query.where(version.c.version == record.c.current)
    return [_stored(row) for row in connection.execute(query)]


def _stored(row: Any) -> StoredVersion:
    """Only the version that counts bears the marks of its record."""
    counts = row.version == row.current
    marks = marks_of(disputed=row.disputed and counts, restricted=row.restricted and counts)
    sealed = SealedRecord(
        AttributeId(row.attribute),
        DatasetId(row.dataset),
        RecordId(row.record_id),
        row.version,
        row.sealed,
        WrappedKey(row.key_version, row.wrapped),
        of_protected_person=False,
        marks=marks,
    )
    return StoredVersion(sealed, row.received_at, counts)
