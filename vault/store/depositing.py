"""SQL on deposits: what a document is known by, and the rows that it becomes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, func, select, update

from policies.facts import Fact
from policies.ids import DatasetId, EventId, PersonId, RecordId, SourceId
from vault.store.bulk import Row, array, arrays_of, insert_rows
from vault.store.many import among
from vault.store.tables import deposit, record, version

_MOVE = (
    update(record)
    .where(
        record.c.person_id == bindparam("person"),
        record.c.record_id == bindparam("record"),
        record.c.latest == bindparam("read"),
    )
    .values(current=bindparam("counts"), latest=bindparam("now"), protected=bindparam("marked"))
)
_MOVED = (
    func.unnest(
        *(
            array(name, of)
            for name, of in (
                ("person", record.c.person_id),
                ("record", record.c.record_id),
                ("read", record.c.latest),
                ("counts", record.c.current),
                ("now", record.c.latest),
                ("marked", record.c.protected),
            )
        )
    )
    .table_valued("person", "record", "read", "counts", "now", "marked")
    .render_derived(name="moved")
)
_MOVE_ALL = (
    update(record)
    .where(
        record.c.person_id == _MOVED.c.person,
        record.c.record_id == _MOVED.c.record,
        record.c.latest == _MOVED.c.read,
    )
    .values(current=_MOVED.c.counts, latest=_MOVED.c.now, protected=_MOVED.c.marked)
)


class ConcurrentDepositError(RuntimeError):
    """The record has moved on since it was read; deposits of one person must queue."""


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


def deposited(
    connection: Connection, wanted: Collection[tuple[PersonId, DepositKey]]
) -> set[tuple[PersonId, DepositKey]]:
    """Which of these documents came before."""
    named = {
        "people": [*{owner for owner, _ in wanted}],
        "documents": [*{key.document for _, key in wanted}],
    }
    return {
        (
            PersonId(row.person_id),
            DepositKey(DatasetId(row.dataset), SourceId(row.source), row.document),
        )
        for row in connection.execute(_deposited(connection.dialect.name), named)
    }


def write(
    connection: Connection,
    *,
    deposits: Sequence[Row],
    begun: Sequence[Row],
    moved: Sequence[Row],
    versions: Sequence[Row],
) -> None:
    """Write what deposits have become: new records, and those that have moved on.

    Raises ConcurrentDepositError.
    """
    insert_rows(connection, deposit, deposits)
    insert_rows(connection, record, begun)
    if _move_records(connection, moved) != len(moved):
        raise ConcurrentDepositError
    insert_rows(connection, version, versions)


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


def record_move(person_id: PersonId, new: NewVersion) -> dict[str, object]:
    """A record from the number of versions that was read to the one that there is now."""
    return {
        "person": person_id,
        "record": new.record,
        "read": new.version - 1,
        "counts": new.current,
        "now": new.version,
        "marked": new.protected,
    }


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


def _move_records(connection: Connection, rows: Sequence[Row]) -> int:
    """Count more versions of records; how many there were as they had been read.

    Each row has `person`, `record`, `read` (versions before), `counts`, `now` and `marked`.
    """
    if not rows:
        return 0
    if connection.dialect.name == "sqlite":
        return connection.execute(_MOVE, rows).rowcount
    return connection.execute(_MOVE_ALL, arrays_of(rows)).rowcount


@cache
def _deposited(dialect: str) -> Select[Any]:
    query = select(deposit.c.person_id, deposit.c.dataset, deposit.c.source, deposit.c.document)
    return query.where(
        among(dialect, deposit.c.person_id, "people"),
        among(dialect, deposit.c.document, "documents"),
    )
