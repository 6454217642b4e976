"""SQL on what the records say now: sealed for a release, and in clear beside the seal for lists."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, exists, select

from audit.prepared import PreparedSelect
from policies.ids import AttributeId, DatasetId, PersonId, RecordId, SourceId
from policies.vocabulary import AuthorityRank, Label
from vault.model import Holding
from vault.store.joins import IS_CURRENT, OPENS_VERSION
from vault.store.people import WrappedKey
from vault.store.tables import person_key, record, version

_any_record = record.alias()
_NO_MARKS: frozenset[Label] = frozenset()

_IS_PROTECTED = exists().where(
    _any_record.c.person_id == bindparam("person"), _any_record.c.protected
)

_CURRENT_RECORDS = PreparedSelect(
    select(
        record.c.attribute,
        record.c.dataset,
        record.c.record_id,
        version.c.version,
        version.c.sealed,
        person_key.c.version,
        person_key.c.wrapped,
        _IS_PROTECTED,
        record.c.disputed,
        record.c.restricted,
    )
    .join_from(record, version, IS_CURRENT)
    .join(person_key, OPENS_VERSION)
    .where(
        record.c.person_id == bindparam("person"),
        record.c.attribute.in_(bindparam("attributes", expanding=True)),
    )
)


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """The current version of one source's record, with the key that opens it."""

    attribute: AttributeId
    dataset: DatasetId
    record: RecordId
    version: int
    sealed: bytes
    key: WrappedKey
    of_protected_person: bool
    """Any source marks any attribute of this person now."""
    marks: frozenset[Label]
    """What an open dispute says of the record."""


def current_records(
    connection: Connection, person_id: PersonId, attributes: Collection[AttributeId]
) -> list[SealedRecord]:
    """What every source holds now about these attributes, with its keys: one round trip."""
    parameters = {"person": person_id, "attributes": list(attributes)}
    return [_sealed(*row) for row in _CURRENT_RECORDS.rows(connection, parameters)]


def _sealed(
    attribute: AttributeId,
    dataset: DatasetId,
    record_id: RecordId,
    number: int,
    sealed: bytes,
    key_version: int,
    wrapped: bytes,
    protected: bool,  # noqa: FBT001  # columns in their order
    disputed: bool,  # noqa: FBT001
    restricted: bool,  # noqa: FBT001
) -> SealedRecord:
    key = WrappedKey(key_version, wrapped)
    marks = marks_of(disputed=disputed, restricted=restricted)
    return SealedRecord(attribute, dataset, record_id, number, sealed, key, protected, marks)


def marks_of(*, disputed: bool, restricted: bool) -> frozenset[Label]:
    """What an open dispute says of a record."""
    if not (disputed or restricted):
        return _NO_MARKS
    marks = ((disputed, Label.DISPUTED), (restricted, Label.RESTRICTED))
    return frozenset(label for is_so, label in marks if is_so)


def holdings(connection: Connection, person_id: PersonId) -> list[Holding]:
    """What every source holds now about a person, by data set, attribute and rank."""
    query = (
        select(
            record.c.dataset,
            record.c.attribute,
            record.c.source,
            version.c.authority,
            version.c.observed_at,
            version.c.valid_to,
            version.c.labels,
            version.c.version,
            record.c.disputed,
            record.c.restricted,
        )
        .join_from(record, version, IS_CURRENT)
        .where(record.c.person_id == person_id)
        .order_by(
            record.c.dataset,
            record.c.attribute,
            version.c.authority.desc(),
            version.c.observed_at.desc(),
            record.c.source.desc(),
        )
    )
    return [
        Holding(
            DatasetId(row.dataset),
            AttributeId(row.attribute),
            SourceId(row.source),
            AuthorityRank(row.authority),
            row.observed_at,
            row.valid_to,
            frozenset(Label(label) for label in row.labels.split())
            | marks_of(disputed=row.disputed, restricted=row.restricted),
            row.version,
        )
        for row in connection.execute(query)
    ]
