"""Tables of what follows when a consent was never valid."""

from sqlalchemy import Column, String, Table, Uuid

from audit.database import Instant
from audit.insert_only import insert_only
from consent.store.tables import metadata

flagged = insert_only(
    Table(
        "consent_flagged",
        metadata,
        Column("consent_id", Uuid, primary_key=True),
        Column("disclosure_event_id", Uuid, primary_key=True),
        Column("person_id", Uuid, nullable=False),
        Column("client_id", String(64), nullable=False),
        Column("flagged_at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False),
    )
)
"""Insert-only: releases that rested on a consent which was never valid."""

assessment = Table(
    "consent_assessment",
    metadata,
    Column("consent_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("outcome", String(32)),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
)
"""Whether that is a breach to be notified (GDPR article 33), and by when it is to be said."""
