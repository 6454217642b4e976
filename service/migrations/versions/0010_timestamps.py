"""What time-stamping authorities have answered for checkpoints of the log."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "audit_timestamp",
        sa.Column("log", sa.String(length=8), nullable=False),
        sa.Column("size", RowNumber, autoincrement=False, nullable=False),
        sa.Column("tsa", sa.String(length=40), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "size", "tsa", "at"),
    )
