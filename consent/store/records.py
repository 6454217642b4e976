"""Rows of records, insert-only."""

from typing import Any

from sqlalchemy import Connection, Row, insert, select

from consent.model import ConsentRecord, Status
from consent.store.tables import record
from policies.ids import ConsentId, EventId, PersonId


def add(connection: Connection, new: ConsentRecord) -> None:
    """Store a version that is not there yet."""
    connection.execute(
        insert(record).values(
            consent_id=new.consent,
            version=new.version,
            person_id=new.person,
            status=new.status,
            document=new.document,
            digest=new.digest,
            previous=new.previous,
            recorded_at=new.at,
            audit_event_id=new.event_id,
        )
    )


def find(connection: Connection, consent_id: ConsentId, version: int) -> ConsentRecord | None:
    """One version of a consent."""
    query = select(record).where(record.c.consent_id == consent_id, record.c.version == version)
    row = connection.execute(query).one_or_none()
    return None if row is None else _record(row)


def of_event(connection: Connection, event_id: EventId) -> ConsentRecord | None:
    """The version that the event accounts for."""
    row = connection.execute(
        select(record).where(record.c.audit_event_id == event_id)
    ).one_or_none()
    return None if row is None else _record(row)


def of_consent(connection: Connection, consent_id: ConsentId) -> list[ConsentRecord]:
    """All versions, oldest first."""
    query = select(record).where(record.c.consent_id == consent_id).order_by(record.c.version)
    return [_record(row) for row in connection.execute(query)]


def _record(row: Row[Any]) -> ConsentRecord:
    return ConsentRecord(
        consent=ConsentId(row.consent_id),
        version=row.version,
        person=PersonId(row.person_id),
        status=Status(row.status),
        document=row.document,
        digest=row.digest,
        previous=row.previous,
        at=row.recorded_at,
        event_id=EventId(row.audit_event_id),
    )
