"""The table of decisions: each question once for each set of policies that decided it."""

from sqlalchemy import Boolean, Column, LargeBinary, String, Table, Uuid

from audit.database import Instant
from audit.insert_only import insert_only
from consent.store.tables import Words, metadata

decision = insert_only(
    Table(
        "consent_decision",
        metadata,
        Column("policy_set", String(64), primary_key=True),
        Column("input_digest", String(64), primary_key=True),
        Column("input", LargeBinary, nullable=False),
        Column("allowed", Boolean(create_constraint=False), nullable=False),
        Column("reason", String(64), nullable=False),
        Column("policies", Words, nullable=False),
        Column("decided_at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False),
    )
)
"""Insert-only, and about nobody: `input` is a question in canonical JSON, which holds no person
(`policies.questions`). The event is that of the first time; every event names both digests."""
