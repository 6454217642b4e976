"""Disputes with their marks at records, and what clients are told.

No record that stands already is disputed.
"""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    for mark in ("disputed", "restricted"):
        column: sa.Column[bool] = sa.Column(
            mark, sa.Boolean(), nullable=False, server_default=sa.false()
        )
        op.add_column("vault_record", column)
    op.create_table(
        "vault_dispute",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("restricts", sa.Boolean(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("opened_event_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "dispute_id"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_index(
        "vault_dispute_one_open",
        "vault_dispute",
        ["person_id", "record_id"],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    _notices()


def _notices() -> None:
    op.create_table(
        "consent_notice",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("position", RowNumber, nullable=True),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.Column("purpose_id", sa.String(length=64), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("case_reference", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("about_event_id", sa.Uuid(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id"),
        sa.UniqueConstraint("client_id", "about_event_id"),
        sa.UniqueConstraint("client_id", "position"),
    )
    op.create_index("consent_notice_person", "consent_notice", ["person_id"])
    op.create_table(
        "consent_feed",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("last", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
