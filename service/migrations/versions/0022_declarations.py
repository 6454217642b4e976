"""How each version of a declaration stands, and what two operators decide.

What was registered before counts, in its newest version.
"""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0022"
down_revision = "0021"

IN_FORCE = "status IN ('approved', 'suspended')"
TWO_PEOPLE = f"NOT ({IN_FORCE}) OR approved_by IS NULL OR approved_by <> submitted_by"
TWO_OPERATORS = (
    "outcome IS NULL OR outcome <> 'done' OR (decided_by IS NOT NULL AND decided_by <> proposed_by)"
)
REGISTERED = """\
INSERT INTO consent_declaration
  (kind, declaration_id, version, status, document, digest, changed_at, audit_event_id)
SELECT 'purpose', purpose_id, version,
  CASE WHEN EXISTS (
    SELECT 1 FROM consent_purpose later
    WHERE later.purpose_id = consent_purpose.purpose_id AND later.version > consent_purpose.version
  ) THEN 'retired' ELSE 'approved' END,
  declaration, digest, registered_at, audit_event_id
FROM consent_purpose"""


def upgrade() -> None:
    op.create_table(
        "consent_declaration",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("declaration_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "declaration_id", "version"),
        sa.UniqueConstraint("audit_event_id"),
        sa.CheckConstraint(TWO_PEOPLE, name="consent_declaration_two_people"),
    )
    op.create_index(
        "consent_declaration_in_force",
        "consent_declaration",
        ["kind", "declaration_id"],
        unique=True,
        sqlite_where=sa.text(IN_FORCE),
        postgresql_where=sa.text(IN_FORCE),
    )
    op.execute(REGISTERED)
    op.create_table(
        "service_proposed_act",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", Instant(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("audit_event_id"),
        sa.CheckConstraint(TWO_OPERATORS, name="service_proposed_act_two_people"),
    )
