"""What the auditor may search by beside kind and recipient, and how far the log was read again.

Events from before have no purpose and no ground here: both are sealed under people's keys, which
a migration does not have. A search by purpose or ground finds events from now on.
"""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("audit_search", sa.Column("purpose", sa.String(length=64), nullable=True))
    op.add_column("audit_search", sa.Column("basis", sa.String(length=16), nullable=True))
    op.drop_index("audit_search_organisation", "audit_search")
    for name in ("organisation", "purpose", "basis"):
        op.create_index(f"audit_search_{name}", "audit_search", [name, "kind", "at", "number"])
    op.create_table(
        "audit_check",
        sa.Column("log", sa.String(length=8), nullable=False),
        sa.Column("task", sa.String(length=8), nullable=False),
        sa.Column("position", RowNumber, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("passed_at", Instant(), nullable=True),
        sa.Column("damage", sa.String(length=32), nullable=True),
        sa.Column("bad_index", RowNumber, nullable=True),
        sa.Column("bad_number", RowNumber, nullable=True),
        sa.PrimaryKeyConstraint("log", "task"),
    )
