"""From which index on a log gives out its entries itself: older ones stand in an archive."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "audit_retention",
        sa.Column("log", sa.String(length=8), nullable=False),
        sa.Column("minimum_index", RowNumber, autoincrement=False, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("audit_event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("log", "minimum_index"),
        sa.UniqueConstraint("audit_event_id"),
    )
