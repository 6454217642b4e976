"""The log."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber
from audit.insert_only import insert_only_ddl

INSERT_ONLY = (
    "audit_checkpoint",
    "audit_event",
    "audit_leaf",
    "audit_tile",
)

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit_about",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("number", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint("person_id", "number"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", RowNumber, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "audit_event",
        sa.Column("number", RowNumber, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_table(
        "audit_key",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id"),
    )
    op.create_index("audit_key_owner", "audit_key", ["owner", "period", "key_id"], unique=False)
    op.create_table(
        "audit_leaf",
        sa.Column("index", RowNumber, autoincrement=False, nullable=False),
        sa.Column("number", RowNumber, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("index"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "audit_queue",
        sa.Column("number", RowNumber, nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "audit_search",
        sa.Column("number", RowNumber, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    for name in ("at", "kind", "organisation"):
        columns = ["at", "number"] if name == "at" else [name, "at", "number"]
        op.create_index(f"audit_search_{name}", "audit_search", columns, unique=False)
    op.create_table(
        "audit_tile",
        sa.Column("level", RowNumber, autoincrement=False, nullable=False),
        sa.Column("position", RowNumber, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(length=8192), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "position"),
    )
    dialect = op.get_bind().dialect.name
    for table in INSERT_ONLY:
        for statement in insert_only_ddl(table, dialect):
            op.execute(statement)
