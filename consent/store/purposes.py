"""Rows of purpose declarations, insert-only."""

import json
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, bindparam, insert, select

from audit.prepared import PreparedSelect
from consent.declared import DeclarationKind, DeclarationStatus
from consent.store.declaration_tables import declaration as declared
from consent.store.tables import purpose
from policies.canonical import canonical_json
from policies.ids import EventId, PurposeId
from policies.purposes import PurposeDeclaration


def add(
    connection: Connection, declaration: PurposeDeclaration, *, at: datetime, event_id: EventId
) -> None:
    """Store a version that is not there yet."""
    connection.execute(
        insert(purpose).values(
            purpose_id=declaration.id,
            version=declaration.version,
            declaration=canonical_json(declaration.to_json()),
            digest=declaration.digest(),
            registered_at=at,
            audit_event_id=event_id,
        )
    )


def newest(connection: Connection, purpose_id: PurposeId) -> PurposeDeclaration | None:
    """The newest version that was ever in force."""
    query = select(purpose.c.declaration).where(purpose.c.purpose_id == purpose_id)
    ordered = query.order_by(purpose.c.version.desc()).limit(1)
    stored = connection.execute(ordered).scalar_one_or_none()
    return None if stored is None else _declaration(stored)


def in_force(connection: Connection, purpose_id: PurposeId) -> PurposeDeclaration | None:
    """The declaration that counts; None when it is suspended or retired, or there is none."""
    row = _IN_FORCE.one_or_none(connection, {"id": purpose_id})
    return None if row is None else _declaration(row.declaration)


def newest_of_each(connection: Connection) -> list[PurposeDeclaration]:
    """The newest version of every purpose, by id."""
    later = purpose.alias()
    query = (
        select(purpose.c.declaration)
        .where(
            ~select(later.c.version)
            .where(later.c.purpose_id == purpose.c.purpose_id, later.c.version > purpose.c.version)
            .exists()
        )
        .order_by(purpose.c.purpose_id)
    )
    return [_declaration(row.declaration) for row in connection.execute(query)]


def of_version(
    connection: Connection, purpose_id: PurposeId, version: int
) -> PurposeDeclaration | None:
    """One version, in force or not."""
    query = select(purpose.c.declaration).where(
        purpose.c.purpose_id == purpose_id, purpose.c.version == version
    )
    stored = connection.execute(query).scalar_one_or_none()
    return None if stored is None else _declaration(stored)


_IN_FORCE = PreparedSelect(
    select(purpose.c.declaration)
    .join(
        declared,
        (declared.c.declaration_id == purpose.c.purpose_id)
        & (declared.c.version == purpose.c.version),
    )
    .where(
        purpose.c.purpose_id == bindparam("id"),
        declared.c.kind == DeclarationKind.PURPOSE.value,
        declared.c.status == DeclarationStatus.APPROVED.value,
    )
)


@lru_cache(maxsize=1024)
def _declaration(stored: bytes) -> PurposeDeclaration:
    # Remembered by its bytes, so it can never be another one than the row holds.
    return PurposeDeclaration.from_json(json.loads(stored))
