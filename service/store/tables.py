"""Tables of the service: what the way in itself must remember."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Uuid,
)

from audit.database import Instant

metadata = MetaData()

session = Table(
    "service_session",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("browser_hash", LargeBinary(32), nullable=False),
    Column("form_key", LargeBinary(32), nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("loa", Integer, nullable=False),
    Column("language", String(2), nullable=False),
    Column("auth_time", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    Index("service_session_person", "person_id", "started_at"),
)
"""A signed-in browser. The cookie's value is kept as a hash only."""

sign_in = Table(
    "service_sign_in",
    metadata,
    Column("state_hash", LargeBinary(32), primary_key=True),
    Column("browser_hash", LargeBinary(32), nullable=False),
    Column("nonce", String(128), nullable=False),
    Column("verifier", String(128), nullable=False),
    Column("loa", Integer, nullable=False),
    Column("return_to", String(512), nullable=False),
    Column("language", String(2), nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
)
"""One sign-in under way at the identity provider; each tab has its own."""

role = Table(
    "service_role",
    metadata,
    Column("person_id", Uuid, nullable=False),
    Column("role", String(16), nullable=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    PrimaryKeyConstraint("person_id", "role"),
)
"""What a person may do here besides being a citizen."""

merge = Table(
    "service_merge",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("first_id", Uuid, nullable=False),
    Column("other_id", Uuid, nullable=False),
    Column("reference", String(64), nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("approved_by", Uuid),
    Column("decided_by", Uuid),
    Column("decided_at", Instant),
    Column("outcome", String(16)),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    # The floor under the rule that two people decide.
    CheckConstraint(
        "outcome IS NULL OR outcome <> 'merged' OR (approved_by IS NOT NULL"
        " AND decided_by IS NOT NULL AND approved_by <> decided_by)",
        name="service_merge_two_people",
    ),
)
"""Proposals to join two records of one person, and who has approved them."""

proposed_act = Table(
    "service_proposed_act",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("what", String(32), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("proposed_by", Uuid, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("decided_by", Uuid),
    Column("decided_at", Instant),
    Column("outcome", String(16)),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    CheckConstraint(
        "outcome IS NULL OR outcome <> 'done' OR (decided_by IS NOT NULL"
        " AND decided_by <> proposed_by)",
        name="service_proposed_act_two_people",
    ),
)
"""Dangerous acts that one operator has proposed; another one approves, and then they are done."""

used_form = Table(
    "service_used_form",
    metadata,
    Column("form_hash", LargeBinary(32), primary_key=True),
    Column("session_id", Uuid, nullable=False),
    Column("outcome", String(256), nullable=False),
    Column("used_at", Instant, nullable=False),
)
"""Forms that had their effect, each with the page that shows it."""

idempotency_key = Table(
    "service_idempotency_key",
    metadata,
    Column("client_id", String(64), nullable=False),
    Column("key_digest", LargeBinary(32), nullable=False),
    Column("request_digest", LargeBinary(32), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
    PrimaryKeyConstraint("client_id", "key_digest"),
    Index("service_idempotency_key_expires_at", "expires_at"),
)
"""Requests of programs that had their effect, each with the event of it. The request's digest is
keyed: a short request could be guessed from a plain one."""
