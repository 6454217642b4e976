"""Clients, purposes, consents, tokens."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant
from audit.insert_only import insert_only_ddl

INSERT_ONLY = (
    "consent_purpose",
    "consent_receipt",
    "consent_record",
)

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "consent_client",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("party", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uris", sa.Text(), nullable=False),
        sa.Column("jwks", sa.LargeBinary(), nullable=False),
        sa.Column("grant_types", sa.Text(), nullable=False),
        sa.Column("signing_alg", sa.String(length=16), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("registered_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_table(
        "consent_code",
        sa.Column("handle_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("redeemed_at", Instant(), nullable=True),
        sa.Column("dead_at", Instant(), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("handle_digest"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_index("consent_code_consent", "consent_code", ["consent_id"], unique=False)
    op.create_index("consent_code_expires_at", "consent_code", ["expires_at"], unique=False)
    op.create_table(
        "consent_consent",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("purpose_id", sa.String(length=64), nullable=False),
        sa.Column("purpose_version", sa.Integer(), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("not_after", Instant(), nullable=True),
        sa.Column("uses_allowed", sa.Integer(), nullable=True),
        sa.Column("uses_left", sa.Integer(), nullable=True),
        sa.Column("case_reference", sa.String(length=64), nullable=True),
        sa.Column("requested", sa.Text(), nullable=False),
        sa.Column("granted", sa.Text(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("requested_not_after", Instant(), nullable=True),
        sa.Column("principal", sa.String(length=80), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("consent_id"),
    )
    op.create_index("consent_consent_end", "consent_consent", ["status", "not_after"], unique=False)
    op.create_index(
        "consent_consent_notice", "consent_consent", ["purpose_id", "status"], unique=False
    )
    op.create_index(
        "consent_consent_one_active",
        "consent_consent",
        ["person_id", "organisation", "purpose_id"],
        unique=True,
        sqlite_where=sa.text("status = 'active'"),
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(
        "consent_consent_person", "consent_consent", ["person_id", "created_at"], unique=False
    )
    op.create_index(
        "consent_consent_purpose",
        "consent_consent",
        ["person_id", "organisation", "purpose_id"],
        unique=False,
    )
    op.create_index(
        "consent_consent_request_end", "consent_consent", ["status", "expires_at"], unique=False
    )
    op.create_table(
        "consent_purpose",
        sa.Column("purpose_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("declaration", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("registered_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("purpose_id", "version"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_table(
        "consent_pushed_request",
        sa.Column("handle_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=False),
        sa.Column("pushed_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("handle_digest"),
        sa.UniqueConstraint("audit_event_id"),
        sa.UniqueConstraint("consent_id"),
    )
    op.create_index(
        "consent_pushed_request_expires_at", "consent_pushed_request", ["expires_at"], unique=False
    )
    op.create_table(
        "consent_receipt",
        sa.Column("receipt_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id"),
        sa.UniqueConstraint("audit_event_id"),
        sa.UniqueConstraint("consent_id", "version"),
    )
    op.create_index(
        "consent_receipt_person", "consent_receipt", ["person_id", "issued_at"], unique=False
    )
    op.create_table(
        "consent_record",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=True),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("consent_id", "version"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_table(
        "consent_token",
        sa.Column("handle_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=False),
        sa.Column("purpose_id", sa.String(length=64), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("case_reference", sa.String(length=64), nullable=True),
        sa.Column("jkt", sa.String(length=43), nullable=True),
        sa.Column("issued_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("handle_digest"),
    )
    op.create_index("consent_token_consent", "consent_token", ["consent_id"], unique=False)
    op.create_index("consent_token_expires_at", "consent_token", ["expires_at"], unique=False)
    op.create_table(
        "consent_used",
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("value_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "value_digest"),
    )
    op.create_index("consent_used_expires_at", "consent_used", ["expires_at"], unique=False)
    dialect = op.get_bind().dialect.name
    for table in INSERT_ONLY:
        for statement in insert_only_ddl(table, dialect):
            op.execute(statement)
