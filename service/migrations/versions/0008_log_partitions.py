"""Partitions of the log on PostgreSQL; SQLite keeps its tables.

What stands already becomes the first partition as it is: no row is copied. `upgrade`
(service.migrations) makes the partitions ahead after this.
"""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant, RowNumber
from audit.insert_only import insert_only_ddl
from audit.store.partitions import add_default

STEP = 4_194_304
TABLES = ("audit_event", "audit_leaf")

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    rights = {table: _rights(table) for table in TABLES}
    for table in TABLES:
        _set_aside(table)
    _create()
    op.execute("ALTER SEQUENCE audit_event_number_seq OWNED BY audit_event.number")
    for table in TABLES:
        for statement in insert_only_ddl(table, "postgresql"):
            op.execute(statement)
        for role, right in rights[table]:
            op.execute(f'GRANT {right} ON {table} TO "{role}"')
    _attach("audit_event", "MINVALUE", _first_of_events())
    _attach("audit_leaf", "MINVALUE, MINVALUE", _first_of_leaves())
    for table in TABLES:
        add_default(op.get_bind(), table)


def _rights(table: str) -> list[tuple[str, str]]:
    query = sa.text(
        "SELECT grantee, privilege_type FROM information_schema.role_table_grants"
        " WHERE table_name = :table AND table_schema = current_schema()"
        " AND grantee <> grantor"
    )
    rows = op.get_bind().execute(query, {"table": table})
    return [(row.grantee, row.privilege_type) for row in rows]


def _set_aside(table: str) -> None:
    """Give the names of the table, its key and its triggers to the table that takes its place."""
    for change in ("change", "truncate"):
        op.execute(f"DROP TRIGGER {table}_no_{change} ON {table}")
    op.rename_table(table, f"{table}_first")
    op.execute(f"ALTER INDEX {table}_pkey RENAME TO {table}_first_pkey")


def _create() -> None:
    op.create_table(
        "audit_event",
        sa.Column(
            "number",
            RowNumber,
            server_default=sa.text("nextval('audit_event_number_seq')"),
            nullable=False,
        ),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        postgresql_partition_by="RANGE (number)",
    )
    op.create_table(
        "audit_leaf",
        sa.Column("log", sa.String(length=8), nullable=False),
        sa.Column("index", RowNumber, autoincrement=False, nullable=False),
        sa.Column("number", RowNumber, nullable=True),
        sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("log", "index"),
        postgresql_partition_by='RANGE (log, "index")',
    )


def _first_of_events() -> str | None:
    highest = op.get_bind().execute(sa.text("SELECT max(number) FROM audit_event_first")).scalar()
    return None if highest is None else str(_whole(highest))


def _first_of_leaves() -> str | None:
    last = sa.text(
        'SELECT log, "index" FROM audit_leaf_first ORDER BY log DESC, "index" DESC LIMIT 1'
    )
    row = op.get_bind().execute(last).one_or_none()
    return None if row is None else f"'{row[0]}', {_whole(row[1])}"


def _attach(table: str, start: str, end: str | None) -> None:
    """As the partition of all that was; an empty one is not needed."""
    if end is None:
        op.drop_table(f"{table}_first")
        return
    values = f"FOR VALUES FROM ({start}) TO ({end})"
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_first {values}")


def _whole(last: int) -> int:
    return int(last // STEP + 1) * STEP
