"""Tables of the vault.

Everything about a person carries the person's id first, so that tables can be spread by it.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)

from audit.database import Instant, RowNumber
from audit.insert_only import ONLY, insert_only, never_updated

metadata = MetaData()


def one_row_for_an_event() -> tuple[UniqueConstraint, UniqueConstraint]:
    """An event has one row at most, in a table that can be spread by person.

    What is unique in a spread table of PostgreSQL has the person among its columns; an event has
    one person, so that says the same.
    """
    return (
        UniqueConstraint("audit_event_id", info={ONLY: "sqlite"}).ddl_if(dialect="sqlite"),
        UniqueConstraint("audit_event_id", "person_id", info={ONLY: "postgresql"}).ddl_if(
            dialect="postgresql"
        ),
    )


_OPEN = text("valid_to IS NULL")
_UNSETTLED = text("outcome IS NULL")

person = Table(
    "vault_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("key_version", Integer, nullable=False),
    Column("pairwise_seed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False),
    *one_row_for_an_event(),
)
"""A person whom the vault knows; the seed is sealed under the key of `key_version`."""

person_key = Table(
    "vault_person_key",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)
"""The person's keys, wrapped: the newest seals, all open. Deleting the rows is the erasure."""

identifier = Table(
    "vault_identifier",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("valid_from", Instant, primary_key=True),
    Column("valid_to", Instant),
    Column("scheme", String(64), nullable=False),
    Index(
        "vault_identifier_open",
        "digest",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
)
"""Keyed hashes of identifiers, with the time in which each led to the person.

The index is what makes two enrolments at once give one person. A row is claimed before anything
is known about who wins, so the event stands at the person's row and in the log.
"""

pairwise = Table(
    "vault_pairwise",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("sector", String(64), primary_key=True),
    Column("subject", String(22), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    UniqueConstraint("sector", "subject"),
)
"""Pseudonyms handed out, for looking up who is meant when one comes back."""

former = Table(
    "vault_former",
    metadata,
    Column("former_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("joined_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    Index("vault_former_person", "person_id"),
)
"""Ids of people who were joined to another one (vault.merging), and who they are now."""

former_subject = Table(
    "vault_former_subject",
    metadata,
    Column("sector", String(64), primary_key=True),
    Column("subject", String(22), primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    Index("vault_former_subject_person", "person_id"),
)
"""Pseudonyms of people who were joined to another one: who has got one finds her by it."""

deposit = never_updated(
    Table(
        "vault_deposit",
        metadata,
        Column("person_id", Uuid, primary_key=True),
        Column("deposit_id", Uuid, primary_key=True),
        Column("dataset", String(64), nullable=False),
        Column("source", String(64), nullable=False),
        Column("document", LargeBinary(32), nullable=False),
        Column("received_at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False),
        *one_row_for_an_event(),
        UniqueConstraint("person_id", "dataset", "source", "document"),
    )
)
"""Never updated, deleted by erasure only. The document's digest is keyed: a short document could be
guessed from a plain one."""

record = Table(
    "vault_record",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("attribute", String(96), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("record_id", Uuid, nullable=False),
    Column("dataset", String(64), nullable=False),
    Column("current", Integer, nullable=False),
    Column("latest", Integer, nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("disputed", Boolean, nullable=False, server_default=false()),
    Column("restricted", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("person_id", "record_id"),
)
"""What one source says about one attribute: which version counts, and how many there are.

An older document that comes late adds a version and does not become the current one. `protected`
says that the current version bears the mark of a protected person, `disputed` and `restricted`
what the person's open dispute says of the record.
"""

dispute = Table(
    "vault_dispute",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("dispute_id", Uuid, primary_key=True),
    Column("record_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("since", Instant, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("restricts", Boolean, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_event_id", Uuid, nullable=False),
    Column("outcome", String(16)),
    Column("settled_at", Instant),
    Column("audit_event_id", Uuid, nullable=False),
    *one_row_for_an_event(),
    Index(
        "vault_dispute_one_open",
        "person_id",
        "record_id",
        unique=True,
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    ),
)
"""What the person says is not so, at which version, and how it ended. `since` is when that version
came: who has got it since then is told."""

imported = Table(
    "vault_import",
    metadata,
    Column("import_id", LargeBinary(32), primary_key=True),
    Column("position", RowNumber, nullable=False),
    Column("lines", RowNumber, nullable=False),
    Column("kept", RowNumber, nullable=False),
    Column("known", RowNumber, nullable=False),
    Column("refused", RowNumber, nullable=False),
    Column("reported", RowNumber, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
)
"""How far the import of a file has come, in bytes, and how many bytes its report has.

The id is a keyed digest of the whole file, so that no other file goes on where this one stopped.
"""

erasure = insert_only(
    Table(
        "vault_erasure",
        metadata,
        Column("person_id", Uuid, primary_key=True),
        Column("erasure_id", Uuid, primary_key=True),
        Column("blinded", LargeBinary(32)),
        Column("erased_at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False),
        *one_row_for_an_event(),
    )
)
"""Insert-only; what was erased, and stays away when a backup comes back. `blinded` is the keyed
digest of person and data set, absent where everything was erased: nothing here tells of her."""

statement = never_updated(
    Table(
        "vault_erasure_statement",
        metadata,
        Column("person_id", Uuid, primary_key=True),
        Column("erasure_id", Uuid, primary_key=True),
        Column("jws", Text, nullable=False),
        Column("issued_at", Instant, nullable=False),
        Column("kept_until", Instant, nullable=False),
        Index("vault_erasure_statement_id", "erasure_id"),
        Index("vault_erasure_statement_end", "kept_until"),
    )
)
"""Signed statements of erasures, kept for a while, so that the person can fetch hers."""

unwanted = Table(
    "vault_unwanted",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("dataset", String(64), primary_key=True),
    Column("since", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False),
    *one_row_for_an_event(),
)
"""Data sets of which a person wants no copy here, until she allows it again."""

version = never_updated(
    Table(
        "vault_record_version",
        metadata,
        Column("person_id", Uuid, primary_key=True),
        Column("record_id", Uuid, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("key_version", Integer, nullable=False),
        Column("deposit_id", Uuid, nullable=False),
        Column("authority", SmallInteger, nullable=False),
        Column("observed_at", Instant, nullable=False),
        Column("valid_to", Date),
        Column("labels", String(128), nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        ForeignKeyConstraint(
            ["person_id", "record_id"], ["vault_record.person_id", "vault_record.record_id"]
        ),
        ForeignKeyConstraint(
            ["person_id", "deposit_id"], ["vault_deposit.person_id", "vault_deposit.deposit_id"]
        ),
    )
)
"""Never updated, deleted by erasure only. Provenance stands here for lists; what counts is the copy
inside the seal."""

resealed = never_updated(
    Table(
        "vault_resealed",
        metadata,
        Column("person_id", Uuid, primary_key=True),
        Column("deposit_id", Uuid, primary_key=True),
        Column("key_version", Integer, primary_key=True, autoincrement=False),
        Column("digest", LargeBinary(32), nullable=False),
        Column("audit_event_id", Uuid, nullable=False),
    )
)
"""What a deposit's versions were sealed anew as (vault.resealing): their digest in the place of
the one in the event of the deposit. Stays when the deposit is erased, since one event tells of all
of a person's deposits; it says nothing of them. Goes with the person."""

key_rotation = insert_only(
    Table(
        "vault_key_rotation",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("step", String(16), primary_key=True),
        Column("at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False, unique=True),
    )
)
"""Insert-only; when the keys of all people began to be replaced by new ones, and when that was
done."""
