"""The table of declarations, of recipients and of sources: how each version stands."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, String, Table, Uuid
from sqlalchemy import text as sql

from audit.database import Instant
from consent.store.tables import metadata

IN_FORCE = "status IN ('approved', 'suspended')"
TWO_PEOPLE = f"NOT ({IN_FORCE}) OR approved_by IS NULL OR approved_by <> submitted_by"

declaration = Table(
    "consent_declaration",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("declaration_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("status", String(16), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("submitted_by", Uuid),
    Column("approved_by", Uuid),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    # The floor under the rule that the second approval is another one's.
    CheckConstraint(TWO_PEOPLE, name="consent_declaration_two_people"),
    # And under the rule that one version counts at a time.
    Index(
        "consent_declaration_in_force",
        "kind",
        "declaration_id",
        unique=True,
        sqlite_where=sql(IN_FORCE),
        postgresql_where=sql(IN_FORCE),
    ),
)
"""The document changes while it is a draft, and never after. Approved purposes stand in
`consent_purpose` as well, which only grows."""
