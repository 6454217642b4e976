"""Who has stopped a consent and why, who gave it, and what it is to replace.

Each one that stands already was given by the person, and none of them is stopped.
"""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    columns: tuple[sa.Column[object], ...] = (
        sa.Column("suspended_by", sa.String(length=32), nullable=True),
        sa.Column("suspended_for", sa.String(length=32), nullable=True),
        sa.Column("given_by", sa.String(length=32), nullable=False, server_default="subject"),
        sa.Column("control_passes_at", Instant(), nullable=True),
        sa.Column("follows", sa.Uuid(), nullable=True),
        sa.Column("remind_at", Instant(), nullable=True),
    )
    for column in columns:
        op.add_column("consent_consent", column)
