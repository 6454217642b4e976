"""What a law keeps back from a person for a while; and by which declaration a token was given."""

import sqlalchemy as sa
from alembic import op

from audit.database import Instant

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("audit_about", sa.Column("visible_from", Instant()))
    op.add_column("consent_token", sa.Column("purpose_version", sa.Integer()))
    op.add_column("consent_token", sa.Column("visible_from", Instant()))
