"""Tokens of sources, what clients are registered for, keys of requests, and imports under way."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column(
        "consent_client",
        # Every client was there to read before there was anything else to be registered for.
        sa.Column("details_types", sa.Text(), nullable=False, server_default="personal_data"),
    )
    op.create_table(
        "consent_deposit_token",
        sa.Column("handle_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("datasets", sa.Text(), nullable=False),
        sa.Column("jkt", sa.String(length=43), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("handle_digest"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_index(
        "consent_deposit_token_expires_at", "consent_deposit_token", ["expires_at"], unique=False
    )
    op.create_table(
        "service_idempotency_key",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("request_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "key_digest"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_index(
        "service_idempotency_key_expires_at",
        "service_idempotency_key",
        ["expires_at"],
        unique=False,
    )
    op.create_table(
        "vault_import",
        sa.Column("import_id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("position", RowNumber, nullable=False),
        sa.Column("lines", RowNumber, nullable=False),
        sa.Column("kept", RowNumber, nullable=False),
        sa.Column("known", RowNumber, nullable=False),
        sa.Column("refused", RowNumber, nullable=False),
        sa.Column("reported", RowNumber, nullable=False),
        sa.Column("begun_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("import_id"),
        sa.UniqueConstraint("audit_event_id"),
    )
