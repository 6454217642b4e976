"""Rows of consents: how each stands now, changed only by guarded updates.

On PostgreSQL whoever decides or changes locks the row first; on SQLite the writer's lock on the
whole file does it. Several rows are locked in the order of their ids, so that two transactions
wait for each other in one direction only.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, insert, or_, select, update

from audit.prepared import PreparedSelect
from consent.grounds import Suspension, SuspensionGround
from consent.model import LIVE, OPEN, Consent, Status
from consent.parties import Party
from consent.store.guard import ConsentChangedError
from consent.store.shown_tables import notice_version
from consent.store.tables import consent
from policies.ids import (
    ClientId,
    ConsentId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
)
from policies.vocabulary import LegalBasis


def add(connection: Connection, new: Consent, event_id: EventId) -> None:
    """Store a new consent."""
    row = {"consent_id": new.id, "created_at": new.created_at, "audit_event_id": event_id}
    connection.execute(insert(consent).values(row | _fixed(new) | _changing(new)))


def change(connection: Connection, *, was: Consent, now: Consent, event_id: EventId) -> None:
    """Write the new state over the one that was read. Raises ConsentChangedError."""
    changed = connection.execute(
        update(consent)
        .where(
            consent.c.consent_id == was.id,
            consent.c.status == was.status,
            consent.c.version == was.version,
        )
        .values(_changing(now) | {"audit_event_id": event_id})
    )
    if changed.rowcount != 1:
        raise ConsentChangedError


def count_use(connection: Connection, consent_id: ConsentId, *, left: int) -> None:
    """One use less. Raises ConsentChangedError when another number was left than was read."""
    changed = connection.execute(_COUNT_USE, {"id": consent_id, "left": left})
    if changed.rowcount != 1:
        raise ConsentChangedError


def find(connection: Connection, consent_id: ConsentId) -> Consent | None:
    """The consent, for reading."""
    return _one(connection, _FIND, consent_id)


def changed_by(connection: Connection, consent_id: ConsentId) -> EventId:
    """The event of its last change."""
    query = select(consent.c.audit_event_id).where(consent.c.consent_id == consent_id)
    return EventId(connection.execute(query).scalar_one())


def lock(connection: Connection, consent_id: ConsentId) -> Consent | None:
    """The consent, locked until the transaction ends."""
    return _one(connection, _LOCK, consent_id)


def lock_known(connection: Connection, consent_id: ConsentId) -> Consent:
    """The consent, locked, where it has been read before. Raises ConsentChangedError."""
    found = lock(connection, consent_id)
    if found is None:
        raise ConsentChangedError
    return found


def lock_same_purpose(connection: Connection, like: Consent) -> list[Consent]:
    """All open and live consents of this person for this purpose of this organisation, locked."""
    query = _same_purpose(like).order_by(consent.c.consent_id).with_for_update()
    return [consent_of(row) for row in connection.execute(query)]


def of_same_purpose(connection: Connection, like: Consent) -> list[Consent]:
    """All open and live consents of this person for this purpose of this organisation."""
    return [consent_of(row) for row in connection.execute(_same_purpose(like))]


def lock_with_newer_notice(connection: Connection, *, limit: int) -> list[Consent]:
    """Active consents whose notice has a newer version than they know of, locked; those that are
    locked elsewhere wait for the next time."""
    newer = (
        select(notice_version.c.version)
        .where(
            notice_version.c.purpose_id == consent.c.purpose_id,
            notice_version.c.version
            > func.coalesce(consent.c.notice_told, consent.c.purpose_version),
        )
        .exists()
    )
    query = (
        select(consent)
        .where(consent.c.status == Status.ACTIVE, newer)
        .order_by(consent.c.consent_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [consent_of(row) for row in connection.execute(query)]


def lock_of_age(connection: Connection, *, now: datetime, limit: int) -> list[Consent]:
    """Active consents that a guardian gave for somebody who has come of age, locked."""
    query = (
        select(consent)
        .where(consent.c.status == Status.ACTIVE, consent.c.control_passes_at <= now)
        .order_by(consent.c.consent_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [consent_of(row) for row in connection.execute(query)]


def share_active(
    connection: Connection,
    people: Collection[PersonId],
    *,
    organisation: OrganisationId,
    purpose: PurposeId,
    now: datetime,
) -> list[Consent]:
    """What these people have given for the purpose and is in force, but for what is locked now."""
    query = (
        select(consent)
        .where(
            consent.c.person_id.in_(people),
            consent.c.organisation == organisation,
            consent.c.purpose_id == purpose,
            consent.c.status == Status.ACTIVE,
            consent.c.not_after > now,
        )
        .with_for_update(read=True, skip_locked=True)
    )
    return [consent_of(row) for row in connection.execute(query)]


def lock_open_before(
    connection: Connection, purpose_id: PurposeId, *, version: int
) -> list[Consent]:
    """Open requests for the purpose that show a notice older than the version, locked."""
    query = (
        select(consent)
        .where(
            consent.c.purpose_id == purpose_id,
            consent.c.purpose_version < version,
            consent.c.status.in_(OPEN),
        )
        .order_by(consent.c.consent_id)
        .with_for_update()
    )
    return [consent_of(row) for row in connection.execute(query)]


def lock_unended(connection: Connection, person: PersonId) -> list[Consent]:
    """Everything of the person that is open or in force, locked."""
    query = (
        select(consent)
        .where(consent.c.person_id == person, consent.c.status.in_(OPEN | LIVE))
        .order_by(consent.c.consent_id)
        .with_for_update()
    )
    return [consent_of(row) for row in connection.execute(query)]


def lock_due(connection: Connection, *, now: datetime, limit: int) -> list[Consent]:
    """Consents and requests that have reached their end, locked; those locked elsewhere wait."""
    query = (
        select(consent)
        .where(
            or_(
                consent.c.status.in_(OPEN) & (consent.c.expires_at <= now),
                consent.c.status.in_(LIVE) & (consent.c.not_after <= now),
            )
        )
        .order_by(consent.c.consent_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [consent_of(row) for row in connection.execute(query)]


def of_person(
    connection: Connection,
    person: PersonId,
    statuses: Collection[Status] | None,
    *,
    after: Consent | None,
    limit: int | None,
) -> list[Consent]:
    """The person's consents, newest first; from the one after a given one, and so many at most."""
    query = select(consent).where(consent.c.person_id == person)
    if statuses is not None:
        query = query.where(consent.c.status.in_(statuses))
    if after is not None:
        at, id_ = consent.c.created_at, consent.c.consent_id
        query = query.where(
            or_(at < after.created_at, and_(at == after.created_at, id_ > after.id))
        )
    ordered = query.order_by(consent.c.created_at.desc(), consent.c.consent_id).limit(limit)
    return [consent_of(row) for row in connection.execute(ordered)]


def with_limited_uses(connection: Connection) -> list[ConsentId]:
    """Consents in force of which only so many uses are left, by id."""
    query = select(consent.c.consent_id).where(
        consent.c.status.in_(LIVE), consent.c.uses_left.is_not(None)
    )
    return [ConsentId(each) for each in connection.execute(query.order_by("consent_id")).scalars()]


# Built once: building a statement costs as much as running it.
_BY_ID = select(consent).where(consent.c.consent_id == bindparam("id"))
_FIND = PreparedSelect(_BY_ID)
_LOCK = PreparedSelect(_BY_ID.with_for_update())
_COUNT_USE = (
    update(consent)
    .where(
        consent.c.consent_id == bindparam("id"),
        consent.c.status == Status.ACTIVE,
        consent.c.uses_left == bindparam("left"),
    )
    .values(uses_left=consent.c.uses_left - 1)
)


def _same_purpose(like: Consent) -> Select[Any]:
    return select(consent).where(
        consent.c.person_id == like.person,
        consent.c.organisation == like.organisation,
        consent.c.purpose_id == like.purpose,
        consent.c.status.in_(OPEN | LIVE),
    )


def _one(connection: Connection, query: PreparedSelect, consent_id: ConsentId) -> Consent | None:
    row = query.one_or_none(connection, {"id": consent_id})
    return None if row is None else consent_of(row)


def _fixed(new: Consent) -> dict[str, object]:
    return {
        "person_id": new.person,
        "organisation": new.organisation,
        "client_id": new.client,
        "purpose_id": new.purpose,
        "basis": new.basis,
        "case_reference": new.case,
        "requested": new.requested,
        "requested_not_after": new.requested_not_after,
        "expires_at": new.expires_at,
        "principal": new.principal,
        "follows": new.follows,
    }


def _changing(state: Consent) -> dict[str, object]:
    stopped = state.suspended
    return {
        "status": state.status,
        "purpose_version": state.purpose_version,
        "version": state.version,
        "not_before": state.not_before,
        "not_after": state.not_after,
        "uses_allowed": state.uses_allowed,
        "uses_left": state.uses_left,
        "granted": state.granted,
        "refused": state.refused,
        "suspended_by": None if stopped is None else stopped.by,
        "suspended_for": None if stopped is None else stopped.ground,
        "given_by": state.given_by,
        "control_passes_at": state.control_passes_at,
        "remind_at": state.remind_at,
        "notice_told": state.notice_told,
    }


def consent_of(row: Any) -> Consent:
    """The consent in a row that holds all columns of its table."""
    return Consent(
        id=ConsentId(row.consent_id),
        person=PersonId(row.person_id),
        organisation=OrganisationId(row.organisation),
        client=ClientId(row.client_id),
        purpose=PurposeId(row.purpose_id),
        purpose_version=row.purpose_version,
        basis=LegalBasis(row.basis),
        status=Status(row.status),
        version=row.version,
        created_at=row.created_at,
        expires_at=row.expires_at,
        not_before=row.not_before,
        not_after=row.not_after,
        uses_allowed=row.uses_allowed,
        uses_left=row.uses_left,
        case=row.case_reference,
        requested=row.requested,
        granted=row.granted,
        refused=row.refused,
        requested_not_after=row.requested_not_after,
        principal=row.principal,
        suspended=_suspension(row.suspended_by, row.suspended_for),
        given_by=Party(row.given_by),
        control_passes_at=row.control_passes_at,
        follows=None if row.follows is None else ConsentId(row.follows),
        remind_at=row.remind_at,
        notice_told=row.notice_told,
    )


def _suspension(by: str | None, ground: str | None) -> Suspension | None:
    if by is None or ground is None:
        return None
    return Suspension(Party(by), SuspensionGround(ground))
