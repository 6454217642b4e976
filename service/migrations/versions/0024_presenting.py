"""Versions of notices, what was shown before each answer, and what an invalid consent leads to.

What stands already was answered before any of it was kept, so the new tables begin empty; the
notices in force get a version of their own here the next time that one of them changes.
"""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("consent_consent", sa.Column("notice_told", sa.Integer(), nullable=True))
    op.create_table(
        "consent_notice_version",
        sa.Column("purpose_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text_fi", sa.String(length=64), nullable=False),
        sa.Column("text_sv", sa.String(length=64), nullable=False),
        sa.Column("text_en", sa.String(length=64), nullable=False),
        sa.Column("change_class", sa.String(length=16), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.Column("registered_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("purpose_id", "version"),
        sa.UniqueConstraint("audit_event_id"),
    )
    op.create_table(
        "consent_presentation",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("purpose_id", sa.String(length=64), nullable=False),
        sa.Column("purpose_version", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=False),
        sa.Column("template_digest", sa.String(length=64), nullable=False),
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("presentation_digest", sa.String(length=64), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("shown_at", Instant(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("consent_id", "version"),
        sa.UniqueConstraint("audit_event_id"),
    )
    _when_invalid()


def _when_invalid() -> None:
    op.create_table(
        "consent_flagged",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("disclosure_event_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("flagged_at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("consent_id", "disclosure_event_id"),
    )
    op.create_table(
        "consent_assessment",
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("consent_id"),
        sa.UniqueConstraint("audit_event_id"),
    )
