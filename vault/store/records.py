"""SQL on deposits and records."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from audit.prepared import PreparedSelect
from policies.facts import Fact
from policies.ids import AttributeId, DatasetId, EventId, PersonId, RecordId, SourceId
from policies.vocabulary import AuthorityRank, Label
from vault.model import Holding
from vault.store.people import WrappedKey
from vault.store.tables import deposit, person_key, record, version

_IS_CURRENT = (
    (version.c.person_id == record.c.person_id)
    & (version.c.record_id == record.c.record_id)
    & (version.c.version == record.c.current)
)

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
    .join_from(record, version, _IS_CURRENT)
    .join(
        person_key,
        (person_key.c.person_id == version.c.person_id)
        & (person_key.c.version == version.c.key_version),
    )
    .where(
        record.c.person_id == bindparam("person"),
        record.c.attribute.in_(bindparam("attributes", expanding=True)),
    )
)

_DEPOSITED = select(deposit.c.deposit_id).where(
    deposit.c.person_id == bindparam("person"),
    deposit.c.dataset == bindparam("dataset"),
    deposit.c.source == bindparam("source"),
    deposit.c.document == bindparam("document"),
)

_HEADS = (
    select(
        record.c.attribute,
        record.c.record_id,
        record.c.current,
        record.c.latest,
        version.c.authority,
        version.c.observed_at,
        record.c.protected,
    )
    .join_from(record, version, _IS_CURRENT)
    .where(record.c.person_id == bindparam("person"), record.c.source == bindparam("source"))
)

MOVE = (
    update(record)
    .where(
        record.c.person_id == bindparam("person"),
        record.c.record_id == bindparam("record"),
        record.c.latest == bindparam("read"),
    )
    .values(current=bindparam("counts"), latest=bindparam("now"), protected=bindparam("marked"))
)


class ConcurrentDepositError(RuntimeError):
    """The record has moved on since it was read; deposits of one person must queue."""


@dataclass(frozen=True, slots=True)
class Head:
    """A record's current version with its rank, and the number of its versions."""

    record: RecordId
    current: int
    latest: int
    authority: AuthorityRank
    observed_at: datetime
    protected: bool


@dataclass(frozen=True, slots=True)
class DepositKey:
    """What makes a deposit the same one again; the document's digest is keyed."""

    dataset: DatasetId
    source: SourceId
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """A version to write. What of its provenance stands beside the seal is for lists."""

    fact: Fact
    record: RecordId
    version: int
    current: int
    """The version of the record that counts from now on: this one or an earlier one."""
    protected: bool
    """Whether the version that counts bears the mark of a protected person."""
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
    of_protected_person: bool
    """Any source marks any attribute of this person now."""
    marks: frozenset[Label]
    """What an open dispute says of the record."""


def is_deposited(connection: Connection, person_id: PersonId, key: DepositKey) -> bool:
    """True when the source has deposited this very document before."""
    parameters = {
        "person": person_id,
        "dataset": key.dataset,
        "source": key.source,
        "document": key.document,
    }
    return connection.execute(_DEPOSITED, parameters).one_or_none() is not None


def add_deposit(
    connection: Connection,
    person_id: PersonId,
    key: DepositKey,
    *,
    deposit_id: UUID,
    now: datetime,
    event_id: EventId,
) -> None:
    """Write down that a document came."""
    row = deposit_row(person_id, key, deposit_id=deposit_id, now=now, event_id=event_id)
    connection.execute(insert(deposit).values(row))


def deposit_row(
    person_id: PersonId, key: DepositKey, *, deposit_id: UUID, now: datetime, event_id: EventId
) -> dict[str, object]:
    return {
        "person_id": person_id,
        "deposit_id": deposit_id,
        "dataset": key.dataset,
        "source": key.source,
        "document": key.document,
        "received_at": now,
        "audit_event_id": event_id,
    }


def heads(connection: Connection, person_id: PersonId, source: SourceId) -> dict[AttributeId, Head]:
    """The records of one source about a person, by attribute."""
    parameters = {"person": person_id, "source": source}
    return {
        AttributeId(row.attribute): Head(
            RecordId(row.record_id),
            row.current,
            row.latest,
            AuthorityRank(row.authority),
            row.observed_at,
            row.protected,
        )
        for row in connection.execute(_HEADS, parameters)
    }


def move_record(
    connection: Connection, person_id: PersonId, key: DepositKey, new: NewVersion
) -> None:
    """Begin the record, or count one more version of it. Raises ConcurrentDepositError."""
    if new.version == 1:
        _add_record(connection, person_id, key, new)
        return
    if connection.execute(MOVE, record_move(person_id, new)).rowcount != 1:
        raise ConcurrentDepositError


def record_move(person_id: PersonId, new: NewVersion) -> dict[str, object]:
    """From the number of versions that was read to the one that there is now."""
    return {
        "person": person_id,
        "record": new.record,
        "read": new.version - 1,
        "counts": new.current,
        "now": new.version,
        "marked": new.protected,
    }


def _add_record(
    connection: Connection, person_id: PersonId, key: DepositKey, new: NewVersion
) -> None:
    connection.execute(insert(record).values(record_row(person_id, key, new)))


def record_row(person_id: PersonId, key: DepositKey, new: NewVersion) -> dict[str, object]:
    """A record as its version begins it."""
    return {
        "person_id": person_id,
        "attribute": new.fact.attribute,
        "source": key.source,
        "record_id": new.record,
        "dataset": key.dataset,
        "current": new.current,
        "latest": new.version,
        "protected": new.protected,
    }


def add_versions(
    connection: Connection,
    person_id: PersonId,
    versions: Iterable[NewVersion],
    *,
    deposit_id: UUID,
    key_version: int,
) -> None:
    """Write the versions of one deposit."""
    rows = [
        version_row(person_id, new, deposit_id=deposit_id, key_version=key_version)
        for new in versions
    ]
    connection.execute(insert(version), rows)


def version_row(
    person_id: PersonId, new: NewVersion, *, deposit_id: UUID, key_version: int
) -> dict[str, object]:
    return {
        "person_id": person_id,
        "record_id": new.record,
        "version": new.version,
        "key_version": key_version,
        "deposit_id": deposit_id,
        "authority": new.fact.authority,
        "observed_at": new.fact.observed_at,
        "valid_to": new.fact.valid_to,
        "labels": " ".join(sorted(new.fact.labels)),
        "sealed": new.sealed,
    }


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
        .join_from(record, version, _IS_CURRENT)
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
