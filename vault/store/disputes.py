"""SQL on disputes, and on the marks that they leave at records."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, insert, or_, select, update

from policies.ids import AttributeId, EventId, PersonId, RecordId, SourceId
from vault.model import Dispute, DisputeReason, Outcome
from vault.store.joins import IS_CURRENT, OF_DEPOSIT
from vault.store.tables import deposit, dispute, record, version


@dataclass(frozen=True, slots=True)
class Disputable:
    """The version of a record that counts, and when it came."""

    record: RecordId
    attribute: AttributeId
    source: SourceId
    version: int
    since: datetime
    disputed: bool


def disputable(
    connection: Connection, person_id: PersonId, attribute: AttributeId, source: SourceId
) -> Disputable | None:
    """What the source holds about the attribute now, locked where the engine locks rows."""
    query = _disputables().where(
        record.c.person_id == person_id,
        record.c.attribute == attribute,
        record.c.source == source,
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _disputable(row)


def is_undisputed(connection: Connection, person_id: PersonId, record_id: RecordId) -> bool:
    """Whether the person's record is here and nobody disputes it."""
    here = (record.c.person_id == person_id) & (record.c.record_id == record_id)
    query = select(record.c.record_id).where(here, ~record.c.disputed)
    return connection.execute(query).one_or_none() is not None


def lock_record(connection: Connection, person_id: PersonId, record_id: RecordId) -> Disputable:
    """The person's record, which is here, locked where the engine locks rows."""
    mine = (record.c.person_id == person_id) & (record.c.record_id == record_id)
    return _disputable(connection.execute(_disputables().where(mine)).one())


def add(connection: Connection, person_id: PersonId, opened: Dispute) -> None:
    """Write a dispute and mark its record."""
    connection.execute(
        insert(dispute).values(
            person_id=person_id,
            dispute_id=opened.id,
            record_id=opened.record,
            version=opened.version,
            since=opened.since,
            reason=opened.reason,
            restricts=opened.restricts,
            opened_at=opened.opened_at,
            opened_event_id=opened.opened_event,
            audit_event_id=opened.opened_event,
        )
    )
    _mark(connection, person_id, opened.record, disputed=True, restricted=opened.restricts)


def settle(
    connection: Connection,
    person_id: PersonId,
    settled: Dispute,
    *,
    outcome: Outcome,
    now: datetime,
    event_id: EventId,
) -> None:
    """End an open dispute and take its mark off. The person must be locked."""
    connection.execute(
        update(dispute)
        .where(
            dispute.c.person_id == person_id,
            dispute.c.dispute_id == settled.id,
            dispute.c.outcome.is_(None),
        )
        .values(outcome=outcome, settled_at=now, audit_event_id=event_id)
    )
    _mark(connection, person_id, settled.record, disputed=False, restricted=False)


def of_person(connection: Connection, person_id: PersonId) -> list[Dispute]:
    """The person's disputes, newest first."""
    query = _all().where(dispute.c.person_id == person_id)
    rows = connection.execute(query.order_by(dispute.c.opened_at.desc(), dispute.c.dispute_id))
    return [_dispute(row) for row in rows]


def find(connection: Connection, person_id: PersonId, dispute_id: UUID) -> Dispute | None:
    """The person's dispute."""
    query = _all().where(dispute.c.person_id == person_id, dispute.c.dispute_id == dispute_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _dispute(row)


def the(connection: Connection, person_id: PersonId, dispute_id: UUID) -> Dispute:
    """The person's dispute, where it is known to be here."""
    query = _all().where(dispute.c.person_id == person_id, dispute.c.dispute_id == dispute_id)
    return _dispute(connection.execute(query).one())


def open_disputes(connection: Connection) -> list[tuple[PersonId, Dispute]]:
    """Everybody's open disputes, oldest first."""
    query = _all().where(dispute.c.outcome.is_(None)).order_by(dispute.c.opened_at)
    return [(PersonId(row.person_id), _dispute(row)) for row in connection.execute(query)]


def changed_since(connection: Connection, since: datetime) -> list[tuple[PersonId, Dispute]]:
    """Everybody's disputes that began or ended since then."""
    query = _all().where(or_(dispute.c.opened_at >= since, dispute.c.settled_at >= since))
    return [(PersonId(row.person_id), _dispute(row)) for row in connection.execute(query)]


def restated_since(
    connection: Connection, since: datetime
) -> list[tuple[PersonId, Dispute, EventId]]:
    """Everybody's open disputes of which the source has sent another value since then that counts
    now, with the event of its deposit."""
    query = (
        _all()
        .add_columns(deposit.c.audit_event_id.label("deposit_event_id"))
        .join(version, IS_CURRENT)
        .join(deposit, OF_DEPOSIT)
        .where(
            dispute.c.outcome.is_(None),
            record.c.current > dispute.c.version,
            deposit.c.received_at >= since,
        )
    )
    return [
        (PersonId(row.person_id), _dispute(row), EventId(row.deposit_event_id))
        for row in connection.execute(query)
    ]


def _disputables() -> Select[Any]:
    return (
        select(
            record.c.record_id,
            record.c.attribute,
            record.c.source,
            record.c.current,
            deposit.c.received_at,
            record.c.disputed,
        )
        .join_from(record, version, IS_CURRENT)
        .join(deposit, OF_DEPOSIT)
        .with_for_update(of=record)
    )


def _disputable(row: Any) -> Disputable:
    return Disputable(
        record=RecordId(row.record_id),
        attribute=AttributeId(row.attribute),
        source=SourceId(row.source),
        version=row.current,
        since=row.received_at,
        disputed=row.disputed,
    )


def _mark(
    connection: Connection,
    person_id: PersonId,
    record_id: RecordId,
    *,
    disputed: bool,
    restricted: bool,
) -> None:
    marked = update(record).where(record.c.person_id == person_id, record.c.record_id == record_id)
    connection.execute(marked.values(disputed=disputed, restricted=restricted))


def _all() -> Select[Any]:
    return select(dispute, record.c.attribute, record.c.source, record.c.current).join_from(
        dispute,
        record,
        (record.c.person_id == dispute.c.person_id) & (record.c.record_id == dispute.c.record_id),
    )


def _dispute(row: Any) -> Dispute:
    return Dispute(
        id=row.dispute_id,
        attribute=AttributeId(row.attribute),
        source=SourceId(row.source),
        record=RecordId(row.record_id),
        version=row.version,
        since=row.since,
        reason=DisputeReason(row.reason),
        restricts=row.restricts,
        opened_at=row.opened_at,
        opened_event=EventId(row.opened_event_id),
        restated=row.current > row.version,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        settled_at=row.settled_at,
        newest_event=EventId(row.audit_event_id),
    )
