"""Tables of the log and the SQL on them. Nothing here leaves the room."""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Uuid,
)

from audit.database import Instant, RowNumber

metadata = MetaData()

log_key = Table(
    "audit_key",
    metadata,
    Column("key_id", Uuid, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("period", String(8), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    UniqueConstraint("owner", "period"),
)
"""One random key for each owner (a person, or the installation) and year. Deletable."""

event = Table(
    "audit_event",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("at", Instant, nullable=False),
    Column("commitment", LargeBinary(32), nullable=False),
    Column("digests", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""Insert-only."""

queue = Table("audit_queue", metadata, Column("number", RowNumber, primary_key=True))
"""Events that the sequencer has not placed yet; only it deletes here."""

search = Table(
    "audit_search",
    metadata,
    Column("number", RowNumber, ForeignKey("audit_event.number"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("organisation", String(64)),
    Index("audit_search_at", "at"),
    Index("audit_search_kind", "kind", "number"),
    Index("audit_search_organisation", "organisation", "number"),
)
"""What the auditor may search by. A convenience, not part of what is proven."""

about = Table(
    "audit_about",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("number", RowNumber, ForeignKey("audit_event.number"), primary_key=True),
)
"""Which events are about a person. Deletable with the person's keys."""

leaf = Table(
    "audit_leaf",
    metadata,
    Column("index", RowNumber, primary_key=True, autoincrement=False),
    Column("number", RowNumber, ForeignKey("audit_event.number"), nullable=False, unique=True),
    Column("leaf_hash", LargeBinary(32), nullable=False),
)
"""Insert-only; the index is dense from 0."""

tile = Table(
    "audit_tile",
    metadata,
    Column("level", RowNumber, primary_key=True, autoincrement=False),
    Column("position", RowNumber, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary(8192), nullable=False),
)
"""Full tiles only, so insert-only (C2SP tlog-tiles)."""

checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("size", RowNumber, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", LargeBinary, nullable=False),
)
"""Insert-only; the signed note as it was published."""
