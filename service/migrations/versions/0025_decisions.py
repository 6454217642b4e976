"""Decisions, each question once for each set of policies."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "consent_decision",
        sa.Column("policy_set", sa.String(length=64), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("input", sa.LargeBinary(), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("decided_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("policy_set", "input_digest"),
    )
