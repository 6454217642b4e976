"""What waits to be written into the journal outside the database."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "audit_journal_late",
        sa.Column("late_id", sa.Uuid(), nullable=False),
        sa.Column("entry", sa.String(length=300), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("late_id"),
    )
