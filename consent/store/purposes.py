"""Rows of purpose declarations, insert-only."""

import json
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, insert, select

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
    """The declaration in force."""
    query = (
        select(purpose.c.declaration)
        .where(purpose.c.purpose_id == purpose_id)
        .order_by(purpose.c.version.desc())
        .limit(1)
    )
    return _declaration(connection.execute(query).scalar_one_or_none())


def of_version(
    connection: Connection, purpose_id: PurposeId, version: int
) -> PurposeDeclaration | None:
    """One version, in force or not."""
    query = select(purpose.c.declaration).where(
        purpose.c.purpose_id == purpose_id, purpose.c.version == version
    )
    return _declaration(connection.execute(query).scalar_one_or_none())


def _declaration(stored: bytes | None) -> PurposeDeclaration | None:
    return None if stored is None else _parsed(stored)


@lru_cache(maxsize=256)
def _parsed(stored: bytes) -> PurposeDeclaration:
    # A declaration has a hundred checked texts and never changes: the same bytes are read once.
    return PurposeDeclaration.from_json(json.loads(stored))
