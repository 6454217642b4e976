"""Tables of consent. What is about a person carries the person's id."""

from typing import Any

from sqlalchemy import (
    Column,
    Dialect,
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
    text,
)
from sqlalchemy.types import TypeDecorator

from audit.database import Instant, RowNumber
from audit.insert_only import insert_only

metadata = MetaData()


class Words(TypeDecorator[tuple[str, ...]]):
    """An ordered list of ids, which hold no space, in one text column."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, _dialect: Dialect) -> Any:
        return None if value is None else " ".join(value)

    def process_result_value(self, value: Any, _dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(value.split())


client = Table(
    "consent_client",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("organisation", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("party", LargeBinary, nullable=False),
    Column("redirect_uris", Words, nullable=False),
    Column("jwks", LargeBinary, nullable=False),
    Column("grant_types", Words, nullable=False),
    Column("signing_alg", String(16)),
    Column("status", String(16), nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("details_types", Words, nullable=False, server_default="personal_data"),
    Column("answer_seal", LargeBinary),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
)
"""One program of one organisation; `party`, `jwks` and `answer_seal` are canonical JSON."""

purpose = insert_only(
    Table(
        "consent_purpose",
        metadata,
        Column("purpose_id", String(64), primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("declaration", LargeBinary, nullable=False),
        Column("digest", String(64), nullable=False),
        Column("registered_at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False, unique=True),
    )
)
"""Insert-only: a declaration that somebody may have agreed to is never edited."""

pushed_request = Table(
    "consent_pushed_request",
    metadata,
    Column("handle_digest", LargeBinary(32), primary_key=True),
    Column("client_id", String(64), nullable=False),
    Column("parameters", LargeBinary, nullable=False),
    Column("pushed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("person_id", Uuid),
    Column("session_id", Uuid),
    Column("consent_id", Uuid, unique=True),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    Index("consent_pushed_request_expires_at", "expires_at"),
)
"""What an agency pushed (RFC 9126), and who has opened it."""

consent = Table(
    "consent_consent",
    metadata,
    Column("consent_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("organisation", String(64), nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("purpose_id", String(64), nullable=False),
    Column("purpose_version", Integer, nullable=False),
    Column("basis", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("not_after", Instant),
    Column("uses_allowed", Integer),
    Column("uses_left", Integer),
    Column("case_reference", String(64)),
    Column("requested", Words, nullable=False),
    Column("granted", Words, nullable=False),
    Column("refused", Words, nullable=False),
    Column("requested_not_after", Instant),
    Column("principal", String(80), nullable=False),
    Column("suspended_by", String(32)),
    Column("suspended_for", String(32)),
    Column("given_by", String(32), nullable=False, server_default="subject"),
    Column("control_passes_at", Instant),
    Column("follows", Uuid),
    Column("remind_at", Instant),
    Column("notice_told", Integer),
    Column("audit_event_id", Uuid, nullable=False),
    Index("consent_consent_person", "person_id", "created_at"),
    Index("consent_consent_purpose", "person_id", "organisation", "purpose_id"),
    Index("consent_consent_notice", "purpose_id", "status"),
    Index("consent_consent_request_end", "status", "expires_at"),
    Index("consent_consent_end", "status", "not_after"),
    # The floor under the rule that a new consent supersedes the old one.
    Index(
        "consent_consent_one_active",
        "person_id",
        "organisation",
        "purpose_id",
        unique=True,
        sqlite_where=text("status = 'active'"),
        postgresql_where=text("status = 'active'"),
    ),
)
"""How each consent stands now: the only row of it that changes, by guarded updates."""

record = insert_only(
    Table(
        "consent_record",
        metadata,
        Column("consent_id", Uuid, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("person_id", Uuid, nullable=False),
        Column("status", String(16), nullable=False),
        Column("document", LargeBinary, nullable=False),
        Column("digest", String(64), nullable=False),
        Column("previous", String(64)),
        Column("recorded_at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False, unique=True),
    )
)
"""Insert-only: the versions of a consent, as the bytes that were hashed."""

code = Table(
    "consent_code",
    metadata,
    Column("handle_digest", LargeBinary(32), primary_key=True),
    Column("consent_id", Uuid, nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("redeemed_at", Instant),
    Column("dead_at", Instant),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    Index("consent_code_consent", "consent_id"),
    Index("consent_code_expires_at", "expires_at"),
)
"""Authorization codes; what they are bound to stands in the pushed request."""

token = Table(
    "consent_token",
    metadata,
    Column("handle_digest", LargeBinary(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("organisation", String(64), nullable=False),
    Column("purpose_id", String(64), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("consent_id", Uuid),
    Column("attributes", Words, nullable=False),
    Column("case_reference", String(64)),
    Column("jkt", String(43)),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("audit_event_id", Uuid, nullable=False),
    Column("purpose_version", Integer),
    Column("visible_from", Instant),
    Index("consent_token_consent", "consent_id"),
    Index("consent_token_expires_at", "expires_at"),
)
"""Access and refresh tokens; one issuing event may stand for one of each."""

deposit_token = Table(
    "consent_deposit_token",
    metadata,
    Column("handle_digest", LargeBinary(32), primary_key=True),
    Column("client_id", String(64), nullable=False),
    Column("organisation", String(64), nullable=False),
    Column("datasets", Words, nullable=False),
    Column("jkt", String(43), nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    Index("consent_deposit_token_expires_at", "expires_at"),
)
"""Tokens of sources: they are about no person, and open nothing."""

notice = Table(
    "consent_notice",
    metadata,
    Column("notice_id", Uuid, primary_key=True),
    Column("client_id", String(64), nullable=False),
    Column("position", RowNumber),
    Column("what", String(40), nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("consent_id", Uuid),
    Column("purpose_id", String(64)),
    Column("attributes", Words, nullable=False),
    Column("case_reference", String(64)),
    Column("reason", String(64)),
    Column("subject", String(22)),
    Column("former_subjects", Words, nullable=False, server_default=""),
    Column("at", Instant, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("about_event_id", Uuid, nullable=False),
    Column("audit_event_id", Uuid, nullable=False),
    UniqueConstraint("client_id", "about_event_id"),
    UniqueConstraint("client_id", "position"),
    Index("consent_notice_person", "person_id"),
    Index("consent_notice_at", "at"),
)
"""What clients are told (consent.notices). The position is given when the client looks; until then
the time orders them, and within one transaction the ordinal."""

feed = Table(
    "consent_feed",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("last", RowNumber, nullable=False),
)
"""How far the feed of each client is numbered."""

used = Table(
    "consent_used",
    metadata,
    Column("scope", String(32), primary_key=True),
    Column("value_digest", LargeBinary(32), primary_key=True),
    Column("expires_at", Instant, nullable=False),
    Index("consent_used_expires_at", "expires_at"),
)
"""What may be used once (assertions, proofs) and has been, until it could not be used anyway."""

receipt = insert_only(
    Table(
        "consent_receipt",
        metadata,
        Column("receipt_id", Uuid, primary_key=True),
        Column("person_id", Uuid, nullable=False),
        Column("consent_id", Uuid, nullable=False),
        Column("version", SmallInteger, nullable=False),
        Column("jws", Text, nullable=False),
        Column("issued_at", Instant, nullable=False),
        Column("audit_event_id", Uuid, nullable=False, unique=True),
        UniqueConstraint("consent_id", "version"),
        Index("consent_receipt_person", "person_id", "issued_at"),
    )
)
"""Insert-only: signed receipts as they were given to the person."""
