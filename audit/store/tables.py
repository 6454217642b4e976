"""The log's tables.

There are no foreign keys: rows that belong together are written in one transaction by one
function, `audit_event` is to be partitioned, and the check would cost the sequencer a third.
"""

from sqlalchemy import (
    Column,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
)

from audit.database import Instant, RowNumber
from audit.insert_only import insert_only
from audit.store.partitions import partitioned, unique_but_for_partitions

metadata = MetaData()

log_key = Table(
    "audit_key",
    metadata,
    Column("key_id", Uuid, primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("period", String(8), nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Index("audit_key_owner", "owner", "period", "key_id"),
)
"""Random keys for each owner (a person, or the installation) and year: one, but for those that
two transactions made at once (audit.keys). Deletable; updated only to be wrapped anew."""

event = partitioned(
    Table(
        "audit_event",
        metadata,
        Column("number", RowNumber, primary_key=True, autoincrement=True),
        Column("event_id", Uuid, nullable=False),
        Column("at", Instant, nullable=False),
        Column("commitment", LargeBinary(32), nullable=False),
        Column("digests", LargeBinary, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        unique_but_for_partitions("event_id"),
        postgresql_partition_by="RANGE (number)",
    )
)
"""Insert-only. On PostgreSQL in partitions by number (audit.partitions)."""

queue = Table("audit_queue", metadata, Column("number", RowNumber, primary_key=True))
"""Events that the sequencer has not placed yet; only it deletes here."""

search = Table(
    "audit_search",
    metadata,
    Column("number", RowNumber, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("organisation", String(64)),
    Column("purpose", String(64)),
    Column("basis", String(16)),
    Index("audit_search_at", "at", "number"),
    Index("audit_search_kind", "kind", "at", "number"),
    Index("audit_search_organisation", "organisation", "kind", "at", "number"),
    Index("audit_search_purpose", "purpose", "kind", "at", "number"),
    Index("audit_search_basis", "basis", "kind", "at", "number"),
)
"""What the auditor may search by (audit.store.searching). A convenience, not part of what is
proven."""

about = Table(
    "audit_about",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("number", RowNumber, primary_key=True),
    Column("visible_from", Instant),
)
"""Which events are about a person, and from when on she sees those that a law keeps back. Deletable
with the person's keys."""

acted = Table(
    "audit_acted",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("number", RowNumber, primary_key=True),
)
"""Events about others, or about nobody, in which a person acted: they stand in the person's chain
too. Deletable with the person's keys."""

head = Table(
    "audit_head",
    metadata,
    Column("person_id", Uuid, primary_key=True, autoincrement=False),
    Column("n", RowNumber, nullable=False),
    Column("last", LargeBinary(32), nullable=False),
)
"""How far each person's chain has come (audit.person_chain): number and commitment of the newest
event in it. Changed by the writer of events only."""

leaf = partitioned(
    Table(
        "audit_leaf",
        metadata,
        Column("log", String(8), primary_key=True),
        Column("index", RowNumber, primary_key=True, autoincrement=False),
        Column("number", RowNumber),
        Column("leaf_hash", LargeBinary(32), nullable=False),
        unique_but_for_partitions("number"),
        postgresql_partition_by='RANGE (log, "index")',
    )
)
"""Insert-only; in each log (shard) the index is dense from 0. The first leaf of a shard that is not
the first stands for no event: it holds the last checkpoint before it (audit.shards)."""

tile = insert_only(
    Table(
        "audit_tile",
        metadata,
        Column("log", String(8), primary_key=True),
        Column("level", RowNumber, primary_key=True, autoincrement=False),
        Column("position", RowNumber, primary_key=True, autoincrement=False),
        Column("hashes", LargeBinary(8192), nullable=False),
        Column("root", LargeBinary(32), nullable=False),
    )
)
"""Full tiles only, so insert-only (C2SP tlog-tiles). `root` is the tile's hash one level up: so
the partial tile of the next level is read, not folded from up to 255 whole tiles."""

checkpoint = insert_only(
    Table(
        "audit_checkpoint",
        metadata,
        Column("log", String(8), primary_key=True),
        Column("size", RowNumber, primary_key=True, autoincrement=False),
        Column("root", LargeBinary(32), nullable=False),
        Column("at", Instant, nullable=False),
        Column("note", LargeBinary, nullable=False),
    )
)
"""Insert-only; the signed note as it was published."""

check = Table(
    "audit_check",
    metadata,
    Column("log", String(8), primary_key=True),
    Column("task", String(8), primary_key=True),
    Column("position", RowNumber, nullable=False),
    Column("at", Instant, nullable=False),
    Column("passed_at", Instant),
    Column("damage", String(32)),
    Column("bad_index", RowNumber),
    Column("bad_number", RowNumber),
)
"""How far the log has been read again, and the first bad entry (audit.health). Deletable: a newer
row takes the place of an older one."""

cosignature = insert_only(
    Table(
        "audit_cosignature",
        metadata,
        Column("log", String(8), primary_key=True),
        Column("size", RowNumber, primary_key=True, autoincrement=False),
        Column("witness", String(300), primary_key=True),
        Column("at", Instant, primary_key=True),
        Column("line", LargeBinary, nullable=False),
    )
)
"""Insert-only; what witnesses have signed of our checkpoints. `witness` is name and key id of the
key as in its verification key, `at` the time in the cosignature."""

timestamp = insert_only(
    Table(
        "audit_timestamp",
        metadata,
        Column("log", String(8), primary_key=True),
        Column("size", RowNumber, primary_key=True, autoincrement=False),
        Column("tsa", String(40), primary_key=True),
        Column("at", Instant, primary_key=True),
        Column("token", LargeBinary, nullable=False),
    )
)
"""Insert-only; what time-stamping authorities have answered for our checkpoints, as it came
(RFC 3161 section 2.4.2). `tsa` is the operator's name for one, `at` the time in the token."""

log_start = insert_only(
    Table(
        "audit_log_start",
        metadata,
        Column("log", String(8), primary_key=True),
        Column("previous", LargeBinary, nullable=False),
        Column("at", Instant, nullable=False),
        Column("event_id", Uuid, nullable=False, unique=True),
    )
)
"""Insert-only; logs that were begun anew after a loss (audit.rollback), each with the signed
checkpoint of the log before it that is known outside, and that our own database may not have."""

retention = insert_only(
    Table(
        "audit_retention",
        metadata,
        Column("log", String(8), primary_key=True),
        Column("minimum_index", RowNumber, primary_key=True, autoincrement=False),
        Column("at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False, unique=True),
    )
)
"""Insert-only; from which index on a log gives out its entries itself (audit.archive). The highest
one counts."""

journal_late = Table(
    "audit_journal_late",
    metadata,
    Column("late_id", Uuid, primary_key=True),
    Column("entry", String(300), nullable=False),
    Column("at", Instant, nullable=False),
)
"""Entries of the journal outside the database that could not be written there yet (audit.late).
Deletable."""

epoch = insert_only(
    Table(
        "audit_epoch",
        metadata,
        Column("key_id", String(128), primary_key=True),
        Column("step", String(16), primary_key=True),
        Column("at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False, unique=True),
    )
)
"""Insert-only; the steps of each key-encryption key (audit.epochs): begun, closed, destroyed."""

INSERT_ONLY = (
    event.name,
    leaf.name,
    tile.name,
    checkpoint.name,
    cosignature.name,
    timestamp.name,
    log_start.name,
    retention.name,
    epoch.name,
)
DELETABLE = (
    queue.name,
    search.name,
    about.name,
    acted.name,
    check.name,
    journal_late.name,
)
"""Indexes end with retention, the queue by the sequencer; these are never updated."""
UPDATED = (log_key.name, head.name)
"""What stands for how things are now."""

SEQUENCES = ("audit_event_number_seq",)
