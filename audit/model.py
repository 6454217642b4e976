"""What an event is: who did what to whose data, on which ground.

An event holds ids and codes only, never free text and never personal data. Its fields are fixed
here, so that nothing else can slip in.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from policies.ids import AttributeId, ClientId, EventId, OrganisationId, PersonId, PurposeId
from policies.vocabulary import LegalBasis


class Kind(StrEnum):
    """Everything that leaves a trace."""

    SIGN_IN_BEGUN = "session.requested"
    SIGNED_IN = "session.started"
    SESSION_CONTINUED = "session.continued"
    SIGNED_OUT = "session.ended"
    SIGN_IN_REFUSED = "session.refused"
    PERSON_CREATED = "person.created"
    IDENTIFIER_CORRECTED = "person.identifier-corrected"
    MERGE_PROPOSED = "person.merge-proposed"
    MERGE_APPROVED = "person.merge-approved"
    MERGE_REJECTED = "person.merge-rejected"
    PERSON_MERGED = "person.merged"
    SUBJECT_ISSUED = "subject.issued"
    PERSON_DIED = "person.died"
    PERSON_ERASED = "person.erased"
    ROLE_GRANTED = "role.granted"
    ROLE_REVOKED = "role.revoked"
    ROWS_SWEPT = "rows.swept"
    CLIENT_REGISTERED = "client.registered"
    CLIENT_SUSPENDED = "client.suspended"
    CLIENT_KEYS_REPLACED = "client.keys-replaced"
    PURPOSE_REGISTERED = "purpose.registered"
    DECLARATION_DRAFTED = "declaration.drafted"
    DECLARATION_CHANGED = "declaration.changed"
    DECLARATION_SUBMITTED = "declaration.submitted"
    DECLARATION_SENT_BACK = "declaration.sent-back"
    DECLARATION_APPROVED = "declaration.approved"
    DECLARATION_SUSPENDED = "declaration.suspended"
    DECLARATION_RESUMED = "declaration.resumed"
    DECLARATION_RETIRED = "declaration.retired"
    ACT_PROPOSED = "act.proposed"
    ACT_APPROVED = "act.approved"
    ACT_REJECTED = "act.rejected"
    REQUEST_PUSHED = "request.pushed"
    REQUEST_REFUSED = "request.refused"
    CONSENT_REQUESTED = "consent.requested"
    CONSENT_DEFERRED = "consent.deferred"
    CONSENT_GIVEN = "consent.given"
    CONSENT_REFUSED = "consent.refused"
    CONSENT_NARROWED = "consent.narrowed"
    CONSENT_RENEWED = "consent.renewed"
    CONSENT_SUSPENDED = "consent.suspended"
    CONSENT_RESUMED = "consent.resumed"
    CONSENT_WITHDRAWN = "consent.withdrawn"
    CONSENT_REVOKED = "consent.revoked"
    CONSENT_INVALIDATED = "consent.invalidated"
    BREACH_ASSESSED = "consent.breach-assessed"
    CONSENT_CHANGED = "consent.changed"
    CONSENT_EXPIRED = "consent.expired"
    CONSENT_LAPSED = "consent.lapsed"
    CONSENT_CANCELLED = "consent.cancelled"
    CODE_ISSUED = "code.issued"
    TOKEN_ISSUED = "token.issued"  # noqa: S105  # a kind of event, not a secret
    TOKEN_REFUSED = "token.refused"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    TOKEN_INTROSPECTED = "token.introspected"  # noqa: S105
    DEPOSIT_ALLOWED = "deposit.allowed"
    DEPOSIT_REFUSED = "deposit.refused"
    DATA_DEPOSITED = "data.deposited"
    DATA_IMPORTED = "data.imported"
    DATA_RELEASED = "data.released"
    DATA_REFUSED = "data.refused"
    DATA_VIEWED = "data.viewed"
    DATA_EXPORTED = "data.exported"
    EXPORT_IMPORTED = "data.export-imported"
    DATA_DISPUTED = "data.disputed"
    DISPUTE_SETTLED = "data.dispute-settled"
    RECIPIENT_TOLD = "data.recipient-told"
    FEED_READ = "feed.read"
    DATA_ERASED = "data.erased"
    DATA_EXPIRED = "data.expired"
    DATA_WANTED_AGAIN = "data.wanted-again"
    DATA_RESEALED = "data.resealed"
    KEYS_DESTROYED = "keys.destroyed"
    KEYS_REWRAPPED = "keys.rewrapped"
    KEY_ROTATION_BEGUN = "keys.rotation-begun"
    KEY_ROTATION_ENDED = "keys.rotation-ended"
    EPOCH_BEGUN = "keys.epoch-begun"
    EPOCH_CLOSED = "keys.epoch-closed"
    EPOCH_ENDED = "keys.epoch-ended"
    ERASURE_READ = "erasure.read"
    JOURNAL_LATE = "journal.late"
    JOURNAL_REPLAYED = "journal.replayed"
    RECEIPT_READ = "receipt.read"
    LOG_SEARCHED = "log.searched"
    LOG_INSPECTED = "log.inspected"
    LOG_SAMPLED = "log.sampled"
    LOG_EXPORTED = "log.exported"
    LOG_CHECKED = "log.checked"
    LOG_REREAD = "log.reread"
    LOG_ARCHIVED = "log.archived"
    LOG_PRUNED = "log.pruned"
    LOG_KEY_ADDED = "log.key-added"
    LOG_KEY_RETIRED = "log.key-retired"
    LOG_BEGUN_ANEW = "log.begun-anew"
    BACKUP_BEGUN = "backup.begun"
    BACKUP_MADE = "backup.made"
    BACKUP_RESTORED = "backup.restored"


class ActorKind(StrEnum):
    """Who can act."""

    PERSON = "person"
    CLIENT = "client"
    SOURCE = "source"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it: a signed-in person, a client's program, a source, or the system itself."""

    kind: ActorKind
    id: str

    @classmethod
    def person(cls, person: PersonId) -> "Actor":
        return cls(ActorKind.PERSON, str(person))

    @classmethod
    def client(cls, client: ClientId) -> "Actor":
        return cls(ActorKind.CLIENT, client)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM = Actor(ActorKind.SYSTEM, "consent-vault")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened, as the caller states it.

    The unit of work adds who and when, by which request, and the places in people's chains.
    """

    kind: Kind
    subject: PersonId | None = None
    organisation: OrganisationId | None = None
    client: ClientId | None = None
    consent: str | None = None
    """`<consent id>@<version>`."""
    purpose: PurposeId | None = None
    basis: LegalBasis | None = None
    attributes: tuple[AttributeId, ...] = ()
    reason: str | None = None
    """A reason code, in lower case with hyphens; its texts stand in the message catalogue."""
    reference: str | None = None
    """Id or hash of what the event is about: a session, request, token, receipt, document."""
    case: str | None = None
    digest: str | None = None
    """SHA-256 in lower-case hexadecimal of what was written."""
    token: str | None = None
    """The access token that was given or used: SHA-256, in lower-case hexadecimal, of the digest
    under which it is stored."""
    policy: tuple[str, ...] = ()
    """The rules by which it was decided: `sha256:<digest of the catalogue>`, and the declaration
    as `<purpose>@<version>`."""
    mandate: str | None = None
    """Id of the mandate by which the actor acts."""
    on_behalf_of: OrganisationId | None = None
    """The organisation for which the actor acts, where the actor is not its own program."""
    visible_from: datetime | None = None
    """From when on the person sees it, where a law keeps it back from her; None for at once."""


def written_time(at: datetime) -> str:
    """A time as a field holds it: RFC 3339 with microseconds, in UTC."""
    return at.isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it stands in the log, opened for a reader who may see it."""

    number: int
    """Row number: order of writing. Not the leaf's index."""
    event_id: EventId
    at: datetime
    fields: dict[str, str | list[str]]
    """The opened fields by name; empty when their key is destroyed."""
    index: int | None
    """Place in the tree, None while the sequencer has not come to it."""
    log: str | None = None
    """Which tree: the shard of the log (audit.shards)."""

    def get(self, name: str) -> str | None:
        """The field as text, None when it is absent."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else None

    def many(self, name: str) -> tuple[str, ...]:
        """The field as a list of texts, empty when it is absent."""
        value = self.fields.get(name, [])
        return tuple(value) if isinstance(value, list) else (value,)

    @property
    def kind(self) -> Kind | None:
        kind = self.get("kind")
        return None if kind is None else Kind(kind)

    @property
    def subject(self) -> PersonId | None:
        subject = self.get("subject")
        return None if subject is None else PersonId(UUID(subject))
