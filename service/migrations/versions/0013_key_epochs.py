"""Epochs of key-encryption keys, and what records were sealed anew under."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "audit_epoch",
        sa.Column("key_id", sa.String(length=128), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "step"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_table(
        "vault_key_rotation",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("number", "step"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_table(
        "vault_resealed",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("key_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "deposit_id", "key_version"),
    )
