"""How a client wants its data answers. Those that stand already want them plain."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("consent_client", sa.Column("answer_seal", sa.LargeBinary(), nullable=True))
