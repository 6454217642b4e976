"""What the vault keeps can be spread by person on PostgreSQL: what is unique holds the person."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

_TABLES = ("vault_person", "vault_deposit", "vault_dispute", "vault_erasure", "vault_unwanted")


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in _TABLES:
        for constraint in sa.inspect(op.get_bind()).get_unique_constraints(table):
            if constraint["column_names"] == ["audit_event_id"]:
                op.drop_constraint(str(constraint["name"]), table)
        op.create_unique_constraint(None, table, ["audit_event_id", "person_id"])
