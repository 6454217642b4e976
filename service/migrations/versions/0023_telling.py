"""Under which names a client knows the person whom a notice is about, where its reader will not
find them any more; and the way to notices that are old.

Notices that stand already are about people who can be found.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("consent_notice", sa.Column("subject", sa.String(length=22), nullable=True))
    former: sa.Column[str] = sa.Column(
        "former_subjects", sa.Text(), nullable=False, server_default=""
    )
    op.add_column("consent_notice", former)
    op.create_index("consent_notice_at", "consent_notice", ["at"])
