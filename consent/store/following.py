"""Consents that have to follow their purpose, locked; what is locked elsewhere waits for the next
time."""

from sqlalchemy import ColumnElement, Connection, Select, select

from consent.declared import DeclarationKind, DeclarationStatus
from consent.grounds import SuspensionGround
from consent.model import LIVE, OPEN, Consent, Status
from consent.store.consents import consent_of
from consent.store.declaration_tables import declaration
from consent.store.tables import consent
from policies.ids import PurposeId


def lock_suspended(connection: Connection, *, limit: int) -> list[Consent]:
    """Active ones whose purpose is suspended."""
    suspended = _purposes(DeclarationStatus.SUSPENDED)
    due = (consent.c.status == Status.ACTIVE, consent.c.purpose_id.in_(suspended))
    return _locked(connection, due, limit)


def lock_resumed(connection: Connection, *, limit: int) -> list[Consent]:
    """Those that were stopped with their purpose, which counts again."""
    due = (
        consent.c.status == Status.SUSPENDED,
        consent.c.suspended_for == SuspensionGround.PURPOSE_SUSPENDED,
        consent.c.purpose_id.in_(_purposes(DeclarationStatus.APPROVED)),
    )
    return _locked(connection, due, limit)


def lock_retired(connection: Connection, *, limit: int) -> list[Consent]:
    """Those that wait or go on for a purpose of which no version counts or is suspended."""
    counting = _purposes(DeclarationStatus.APPROVED, DeclarationStatus.SUSPENDED)
    due = (
        consent.c.status.in_(OPEN | LIVE),
        consent.c.purpose_id.in_(_purposes(DeclarationStatus.RETIRED)),
        consent.c.purpose_id.not_in(counting),
    )
    return _locked(connection, due, limit)


def _purposes(*statuses: DeclarationStatus) -> Select[tuple[PurposeId]]:
    return select(declaration.c.declaration_id).where(
        declaration.c.kind == DeclarationKind.PURPOSE, declaration.c.status.in_(statuses)
    )


def _locked(
    connection: Connection, due: tuple[ColumnElement[bool], ...], limit: int
) -> list[Consent]:
    query = select(consent).where(*due).order_by(consent.c.consent_id).limit(limit)
    locked = query.with_for_update(of=consent, skip_locked=True)
    return [consent_of(row) for row in connection.execute(locked)]
