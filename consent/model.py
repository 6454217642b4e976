"""What a consent is: one recipient, one purpose, a choice for each attribute, for a time.

The thirteen states follow W3C DPV's consent statuses (dpv:ConsentStatus); only `active` is valid
for processing. A record is an immutable version of a consent in the vocabulary of ISO/IEC TS
27560:2023, linked to the version before it by SHA-256.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from consent.answer_seal import AnswerSeal
from consent.grounds import Suspension
from consent.parties import Party
from policies.ids import (
    AttributeId,
    ClientId,
    ConsentId,
    EventId,
    OrganisationId,
    PersonId,
    PurposeId,
    ReceiptId,
)
from policies.vocabulary import LegalBasis


class Status(StrEnum):
    """Where a consent stands. The last eight are final."""

    REQUESTED = "requested"
    DEFERRED = "deferred"
    PENDING_JOINT = "pending_joint"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REFUSED = "refused"
    LAPSED = "lapsed"
    """Nobody answered in time: silence is never consent."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    """By the person."""
    REVOKED = "revoked"
    """By somebody else than the person."""
    INVALIDATED = "invalidated"
    """It was never valid."""
    SUPERSEDED = "superseded"


OPEN = frozenset({Status.REQUESTED, Status.DEFERRED, Status.PENDING_JOINT})
"""Waiting for an answer."""

OPEN_FOR = timedelta(days=14)
"""How long a person may take to answer."""

LIVE = frozenset({Status.ACTIVE, Status.SUSPENDED})
"""Given and not ended."""


class Command(StrEnum):
    """What may be done to a consent."""

    CANCEL_REQUEST = "cancel_request"
    DEFER = "defer"
    GIVE = "give"
    GIVE_FIRST_OF_MANY = "give_first_of_many"
    GIVE_LAST_OF_MANY = "give_last_of_many"
    INVALIDATE = "invalidate"
    MANDATE_ENDED = "mandate_ended"
    NARROW = "narrow"
    NOTICE_CHANGED_EDITORIAL = "notice_changed_editorial"
    NOTICE_CHANGED_MATERIAL = "notice_changed_material"
    REACH_END = "reach_end"
    REFUSE = "refuse"
    RENEW = "renew"
    REOPEN = "reopen"
    REPLACE = "replace"
    RESUME = "resume"
    REVOKE = "revoke"
    SUBJECT_DIED = "subject_died"
    SUBJECT_REACHED_AGE = "subject_reached_age"
    SUSPEND = "suspend"
    TIME_OUT = "time_out"
    USE = "use"
    USE_LAST = "use_last"
    WITHDRAW = "withdraw"

    @property
    def reason(self) -> str:
        """The command as a reason code of an event."""
        return self.value.replace("_", "-")


class ClientStatus(StrEnum):
    """Whether a client may ask and fetch."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    AWAITING_KEYS = "awaiting-keys"
    """A restored backup brought back keys that had been replaced, and the new ones are not known
    here: stopped until they are given again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One program of one organisation (RFC 7591 section 2)."""

    id: ClientId
    organisation: OrganisationId
    name: str
    party: Mapping[str, object] = field(repr=False)
    """The organisation as it stands in records (ISO/IEC TS 27560:2023 section 6.3.6)."""
    redirect_uris: tuple[str, ...]
    jwks: tuple[Mapping[str, Any], ...] = field(repr=False)
    grant_types: tuple[str, ...]
    token_endpoint_auth_signing_alg: str | None
    status: ClientStatus
    registered_at: datetime
    authorization_details_types: tuple[str, ...] = ("personal_data",)
    """What it may ask for (RFC 9396 section 10): to read, to deposit, or both."""
    answer_seal: AnswerSeal | None = None
    """How it wants its data answers signed and encrypted; None for plain JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """A pushed authorization request as it is stored, and who has opened it."""

    client: ClientId
    document: bytes = field(repr=False)
    pushed_at: datetime
    expires_at: datetime
    person: PersonId | None
    consent: ConsentId | None


@dataclass(frozen=True, slots=True)
class ConsentRef:
    """A consent at one version, as events and permits cite it."""

    id: ConsentId
    version: int

    def __str__(self) -> str:
        return f"{self.id}@{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent as it stands now.

    `expires_at` ends the request, `not_after` the consent; both are half-open: at that moment it
    is over. `uses_left` is None when the number of uses is not limited. `version` counts the
    records: 0 until the person has answered.
    """

    id: ConsentId
    person: PersonId
    organisation: OrganisationId
    client: ClientId
    purpose: PurposeId
    purpose_version: int
    basis: LegalBasis
    status: Status
    version: int
    created_at: datetime
    expires_at: datetime
    not_before: datetime | None
    not_after: datetime | None
    uses_allowed: int | None
    uses_left: int | None
    case: str | None
    requested: tuple[AttributeId, ...]
    granted: tuple[AttributeId, ...]
    refused: tuple[AttributeId, ...]
    requested_not_after: datetime | None
    principal: str
    """Pairwise name of the person in records and receipts; says nothing outside them."""
    suspended: Suspension | None = None
    """Who has stopped it for a while, and why; None unless it is suspended."""
    given_by: Party = Party.SUBJECT
    """Who answered, and so who beside the person has a say in it."""
    control_passes_at: datetime | None = None
    """When a person for whom a guardian answered comes of age, as the register said."""
    follows: ConsentId | None = None
    """The consent that this one is to replace, where the vault asked again by itself."""
    remind_at: datetime | None = None
    """When a request that was put off is to be shown again."""
    notice_told: int | None = None
    """The newest version of its notice that has been weighed against what was given; None for the
    one by which it was given."""

    @property
    def ref(self) -> ConsentRef:
        return ConsentRef(self.id, self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """One immutable version of a consent, kept as the canonical JSON bytes that were hashed."""

    consent: ConsentId
    version: int
    person: PersonId
    status: Status
    document: bytes
    digest: str
    """SHA-256 of `document`, lower-case hexadecimal."""
    previous: str | None
    """Digest of the version before, None for the first."""
    at: datetime
    event_id: EventId

    @property
    def content(self) -> dict[str, Any]:
        """The document as JSON members."""
        content: dict[str, Any] = json.loads(self.document)
        return content


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A signed receipt as it was given to the person."""

    id: ReceiptId
    person: PersonId
    consent: ConsentId
    version: int
    jws: str
    issued_at: datetime
    event_id: EventId
