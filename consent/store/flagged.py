"""Rows of what follows when a consent was never valid."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from consent.assessment import Assessment, Outcome
from consent.model import Consent
from consent.store.guard import ConsentChangedError
from consent.store.invalid_tables import assessment, flagged
from policies.ids import ConsentId, EventId, PersonId


def flag(
    connection: Connection,
    of: Consent,
    disclosures: Collection[EventId],
    *,
    at: datetime,
    event_id: EventId,
) -> None:
    """Mark these releases."""
    if not disclosures:
        return
    rows = [
        {
            "consent_id": of.id,
            "disclosure_event_id": each,
            "person_id": of.person,
            "client_id": of.client,
            "flagged_at": at,
            "audit_event_id": event_id,
        }
        for each in disclosures
    ]
    connection.execute(insert(flagged), rows)


def flagged_of(connection: Connection, person: PersonId) -> frozenset[EventId]:
    """The releases about the person that are marked."""
    query = select(flagged.c.disclosure_event_id).where(flagged.c.person_id == person)
    return frozenset(EventId(each) for each in connection.execute(query).scalars())


def flagged_on(connection: Connection, consent_id: ConsentId) -> list[EventId]:
    """The releases on the consent that are marked."""
    query = select(flagged.c.disclosure_event_id).where(flagged.c.consent_id == consent_id)
    return [EventId(each) for each in connection.execute(query).scalars()]


def open_assessment(connection: Connection, new: Assessment, event_id: EventId) -> None:
    """Write down that it is to be assessed."""
    connection.execute(
        insert(assessment).values(
            consent_id=new.consent,
            person_id=new.person,
            opened_at=new.opened_at,
            due_at=new.due_at,
            audit_event_id=event_id,
        )
    )


def close_assessment(
    connection: Connection,
    consent_id: ConsentId,
    outcome: Outcome,
    *,
    at: datetime,
    event_id: EventId,
) -> None:
    """Write down the outcome. Raises ConsentChangedError when there is one already."""
    changed = connection.execute(
        update(assessment)
        .where(assessment.c.consent_id == consent_id, assessment.c.closed_at.is_(None))
        .values(closed_at=at, outcome=outcome, audit_event_id=event_id)
    )
    if changed.rowcount != 1:
        raise ConsentChangedError


def assessment_of(connection: Connection, consent_id: ConsentId) -> Assessment | None:
    """The assessment of the consent."""
    query = select(assessment).where(assessment.c.consent_id == consent_id).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _assessment(row)


def open_assessments(connection: Connection, limit: int) -> list[Assessment]:
    """Those that have no outcome yet, the most urgent first."""
    query = (
        select(assessment)
        .where(assessment.c.closed_at.is_(None))
        .order_by(assessment.c.due_at, assessment.c.consent_id)
        .limit(limit)
    )
    return [_assessment(row) for row in connection.execute(query)]


def _assessment(row: Any) -> Assessment:
    return Assessment(
        consent=ConsentId(row.consent_id),
        person=PersonId(row.person_id),
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        outcome=None if row.outcome is None else Outcome(row.outcome),
    )
