"""People and records."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "vault_deposit",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(length=32), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "deposit_id"),
        sa.UniqueConstraint("audit_event_id"),
        sa.UniqueConstraint("person_id", "dataset", "source", "document"),
    )
    op.create_table(
        "vault_identifier",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("valid_to", Instant(), nullable=True),
        sa.Column("scheme", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "digest", "valid_from"),
    )
    op.create_index(
        "vault_identifier_open",
        "vault_identifier",
        ["digest"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "vault_pairwise",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sector", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=22), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "sector"),
        sa.UniqueConstraint("audit_event_id"),
        sa.UniqueConstraint("sector", "subject"),
    )
    op.create_table(
        "vault_person",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("pairwise_seed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_table(
        "vault_person_key",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "version"),
    )
    op.create_table(
        "vault_record",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("attribute", sa.String(length=96), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("current", sa.Integer(), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "attribute", "source"),
        sa.UniqueConstraint("person_id", "record_id"),
    )
    op.create_table(
        "vault_record_version",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_version", sa.Integer(), nullable=False),
        sa.Column("deposit_id", sa.Uuid(), nullable=False),
        sa.Column("authority", sa.SmallInteger(), nullable=False),
        sa.Column("observed_at", Instant(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("labels", sa.String(length=128), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id", "deposit_id"],
            ["vault_deposit.person_id", "vault_deposit.deposit_id"],
        ),
        sa.ForeignKeyConstraint(
            ["person_id", "record_id"],
            ["vault_record.person_id", "vault_record.record_id"],
        ),
        sa.PrimaryKeyConstraint("person_id", "record_id", "version"),
    )
