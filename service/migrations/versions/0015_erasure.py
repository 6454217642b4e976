"""Erasures, the statements of them, and data sets of which people want no copy."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "vault_erasure",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("blinded", sa.LargeBinary(length=32), nullable=True),
        sa.Column("erased_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "erasure_id"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_table(
        "vault_erasure_statement",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("kept_until", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "erasure_id"),
    )
    op.create_index("vault_erasure_statement_id", "vault_erasure_statement", ["erasure_id"])
    op.create_index("vault_erasure_statement_end", "vault_erasure_statement", ["kept_until"])
    op.create_table(
        "vault_unwanted",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "dataset"),
        sa.UniqueConstraint("audit_event_id"),
    )
