"""People who were joined to another one, and proposals to do so."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0020"
down_revision = "0019"

TWO_PEOPLE = (
    "outcome IS NULL OR outcome <> 'merged' OR (approved_by IS NOT NULL"
    " AND decided_by IS NOT NULL AND approved_by <> decided_by)"
)


def upgrade() -> None:
    op.create_table(
        "vault_former",
        sa.Column("former_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("former_id"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_index("vault_former_person", "vault_former", ["person_id"])
    op.create_table(
        "vault_former_subject",
        sa.Column("sector", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=22), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("sector", "subject"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_index("vault_former_subject_person", "vault_former_subject", ["person_id"])
    op.create_table(
        "service_merge",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("audit_event_id"),
        sa.CheckConstraint(TWO_PEOPLE, name="service_merge_two_people"),
    )
