"""What witnesses have signed of the log, and logs that were begun anew after a loss."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "audit_cosignature",
        sa.Column("log", sa.String(length=8), nullable=False),
        sa.Column("size", RowNumber, autoincrement=False, nullable=False),
        sa.Column("witness", sa.String(length=300), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "size", "witness", "at"),
    )
    op.create_table(
        "audit_log_start",
        sa.Column("log", sa.String(length=8), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("log"),
        sa.UniqueConstraint("event_id"),
    )
