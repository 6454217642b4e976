"""Half-yearly logs: what stands already becomes the log `0`, whose origin is the bare name.

Its checkpoints stay valid as they were signed. The next event opens the log of its half-year,
whose first leaf is the last checkpoint of the log `0` (audit.shards).
"""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber
from audit.insert_only import insert_only_ddl

KEYS = {
    "audit_leaf": ("log", "index"),
    "audit_tile": ("log", "level", "position"),
    "audit_checkpoint": ("log", "size"),
}

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _alter()
    else:
        _make_anew()


def _alter() -> None:
    for table, key in KEYS.items():
        column = sa.Column("log", sa.String(length=8), nullable=False, server_default="0")
        op.add_column(table, column)
        op.alter_column(table, "log", server_default=None)
        op.drop_constraint(f"{table}_pkey", table)
        op.create_primary_key(f"{table}_pkey", table, [*key])
    op.alter_column("audit_leaf", "number", nullable=True)


def _make_anew() -> None:
    """SQLite gives no table another primary key."""
    for table in KEYS:
        op.rename_table(table, f"{table}_before")
    _create()
    for table in KEYS:
        columns = [
            each["name"] for each in sa.inspect(op.get_bind()).get_columns(f"{table}_before")
        ]
        named = ", ".join(f'"{name}"' for name in columns)
        op.execute(f"INSERT INTO {table} (log, {named}) SELECT '0', {named} FROM {table}_before")
        op.drop_table(f"{table}_before")
        for statement in insert_only_ddl(table, "sqlite"):
            op.execute(statement)


def _create() -> None:
    op.create_table(
        "audit_leaf",
        _log(),
        sa.Column("index", RowNumber, autoincrement=False, nullable=False),
        sa.Column("number", RowNumber, nullable=True),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint(*KEYS["audit_leaf"]),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "audit_tile",
        _log(),
        sa.Column("level", RowNumber, autoincrement=False, nullable=False),
        sa.Column("position", RowNumber, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(length=8192), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint(*KEYS["audit_tile"]),
    )
    op.create_table(
        "audit_checkpoint",
        _log(),
        sa.Column("size", RowNumber, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(*KEYS["audit_checkpoint"]),
    )


def _log() -> sa.Column[str]:
    return sa.Column("log", sa.String(length=8), nullable=False)
