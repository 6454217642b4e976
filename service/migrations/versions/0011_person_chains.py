"""The chain of each person's events: how far it has come, and in which events people acted."""

import sqlalchemy as sa
from alembic import op

from audit.database import RowNumber

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "audit_acted",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("number", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "number"),
    )
    op.create_table(
        "audit_head",
        sa.Column("person_id", sa.Uuid(), autoincrement=False, nullable=False),
        sa.Column("n", RowNumber, nullable=False),
        sa.Column("last", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("person_id"),
    )
