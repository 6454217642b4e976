"""Tables of what people are shown: versions of notices, and what stood before an answer."""

from sqlalchemy import Column, Integer, String, Table, Uuid

from audit.database import Instant
from audit.insert_only import insert_only
from consent.store.tables import Words, metadata

notice_version = insert_only(
    Table(
        "consent_notice_version",
        metadata,
        Column("purpose_id", String(64), primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("digest", String(64), nullable=False),
        Column("text_fi", String(64), nullable=False),
        Column("text_sv", String(64), nullable=False),
        Column("text_en", String(64), nullable=False),
        Column("change_class", String(16), nullable=False),
        Column("supersedes", Integer),
        Column("registered_at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False, unique=True),
    )
)
"""Insert-only. The notice itself stands in `consent_purpose`; here, the digests of its texts."""

presentation = insert_only(
    Table(
        "consent_presentation",
        metadata,
        Column("consent_id", Uuid, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("person_id", Uuid, nullable=False),
        Column("purpose_id", String(64), nullable=False),
        Column("purpose_version", Integer, nullable=False),
        Column("language", String(8), nullable=False),
        Column("mode", String(16), nullable=False),
        Column("template", String(64), nullable=False),
        Column("template_digest", String(64), nullable=False),
        Column("text_digest", String(64), nullable=False),
        Column("presentation_digest", String(64), nullable=False),
        Column("choices", Words, nullable=False),
        Column("shown_at", Instant, nullable=False),
        Column("session_id", Uuid, nullable=False),
        Column("audit_event_id", Uuid, nullable=False, unique=True),
    )
)
"""Insert-only: what stood before the person when she gave the answer of that version. The choices
are what she could tick, and none of them was ticked beforehand."""
