"""What a receipt says, as typed values: for the page, the verifier and the forms of others. Pure.

The payload of the JWS is the document of record (`consent.record`) with what a receipt adds; here
it is only read. A receipt from before a member was there has none of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from consent.model import Status
from consent.receipt_jws import ReceiptError
from policies.ids import AttributeId, OrganisationId, PurposeId
from policies.vocabulary import Language, LegalBasis

_CONSENT = "A6-1-a"
"""The ground of a consent, by the term of DPV's extension for the GDPR."""

Words = Mapping[str, str]
"""A text in all languages, by their codes."""


@dataclass(frozen=True, slots=True)
class Item:
    """One attribute that was asked for, and the answer to it."""

    attribute: AttributeId
    optional: bool
    granted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One event of the consent (ISO/IEC TS 27560:2023 clause 6.3.7)."""

    at: datetime
    entity: str
    type: str
    reason: str
    status: Status
    loa: str | None
    valid_until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptContent:
    """A receipt and the version of the record in it."""

    id: UUID
    issuer: str
    issued_at: datetime
    record: UUID
    version: int
    record_digest: str
    """SHA-256 of the record, in hexadecimal."""
    previous_record: str | None
    previous_receipt: str | None
    """SHA-256 of the receipt before this one, in hexadecimal."""
    event: UUID
    """The event of the log that accounts for this version."""
    principal: str
    """The person, under the name that only this recipient shares."""
    organisation: OrganisationId
    party: Mapping[str, Any]
    """The recipient, as it stood in the record."""
    purpose: PurposeId
    purpose_text: Words
    purpose_type: str
    """A term of DPV."""
    basis: LegalBasis
    law: Words | None
    retention: Words
    recipients: Words
    automated_decision: bool
    case: str | None
    items: tuple[Item, ...]
    notice_version: str
    notice_digest: str
    presentation_digest: str
    shown_at: datetime
    language: Language
    not_before: datetime | None
    not_after: datetime | None
    uses_allowed: int | None
    rights: tuple[str, ...]
    jurisdiction: str
    withdraw_at: str
    complaint: Mapping[str, Any]
    events: tuple[Happened, ...]

    @property
    def status(self) -> Status:
        """Where the consent stood after this event."""
        return self.events[-1].status

    @property
    def happened(self) -> Happened:
        """What the receipt is of."""
        return self.events[-1]

    @property
    def granted(self) -> tuple[AttributeId, ...]:
        return tuple(each.attribute for each in self.items if each.granted)

    @property
    def refused(self) -> tuple[AttributeId, ...]:
        return tuple(each.attribute for each in self.items if not each.granted)

    @property
    def was_given(self) -> bool:
        """Whether anything was given, even if it has ended since."""
        return any(each.status is Status.ACTIVE for each in self.events)

    @property
    def given_at(self) -> datetime:
        """When the answer in this version was given; of one that was not, when that was said."""
        answers = (e.at for e in self.events if e.status is Status.ACTIVE and e.type == "explicit")
        return max(answers, default=self.happened.at)

    @property
    def is_consent(self) -> bool:
        """Whether the ground is a consent (GDPR article 6(1)(a)), and not another choice."""
        return self.basis is LegalBasis.CONSENT


def content_of(payload: Mapping[str, Any]) -> ReceiptContent:
    """What the payload of a verified receipt says. Raises ReceiptError."""
    try:
        return _content(payload)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # Signed by us, and yet not what we write: of a future version, or not a receipt at all.
        raise ReceiptError("content") from error


def _content(payload: Mapping[str, Any]) -> ReceiptContent:
    record = payload["record"]
    header, processing, events = record["header"], record["processing"], record["events"]
    (purpose,) = processing["purposes"]
    if not events:
        raise ValueError("nothing has happened to it")
    notice = processing["privacy_notice"]
    return ReceiptContent(
        id=UUID(payload["receipt_id"]),
        issuer=payload["iss"],
        issued_at=datetime.fromtimestamp(payload["iat"], tz=UTC),
        record=UUID(header["record_id"]),
        version=header["version"],
        record_digest=str(_digest(payload["record_hash"])),
        previous_record=_digest(header["previous"]),
        previous_receipt=_digest((payload.get("previous_receipt") or {"digest": None})["digest"]),
        event=UUID(payload["event_id"]),
        principal=header["pii_principal_id"],
        party=record["parties"][0],
        recipients=processing["recipient_third_parties"],
        notice_version=notice["notice_version_id"],
        notice_digest=notice["content_hash"],
        presentation_digest=notice["presentation_hash"],
        shown_at=datetime.fromisoformat(notice["shown_at"]),
        language=Language(processing["language"]),
        rights=tuple(processing["privacy_rights"]),
        jurisdiction=processing["jurisdiction"],
        withdraw_at=payload["how_to_withdraw"][0]["at"],
        complaint=payload["complaint_authority"],
        events=tuple(_happened(each) for each in events),
        **_purpose(purpose),
    )


def _purpose(purpose: Mapping[str, Any]) -> dict[str, Any]:
    basis = purpose["lawful_basis"]
    return {
        "organisation": OrganisationId(purpose["pii_controllers"][0]),
        "purpose": PurposeId(purpose["purpose"]["id"]),
        "purpose_text": purpose["purpose"]["text"],
        "purpose_type": purpose["purpose_type"][0],
        "basis": LegalBasis.CONSENT if basis == _CONSENT else LegalBasis(basis),
        "law": purpose["law"],
        "retention": purpose["retention_period"],
        "automated_decision": purpose["automated_decision"],
        "case": purpose["case"],
        "items": tuple(_item(each) for each in purpose["pii_information"]),
        "not_before": _instant(purpose["not_before"]),
        "not_after": _instant(purpose["not_after"]),
        "uses_allowed": purpose["uses_allowed"],
    }


def _item(each: Mapping[str, Any]) -> Item:
    return Item(AttributeId(each["pii_attribute_id"]), each["pii_optional"], each["granted"])


def _happened(each: Mapping[str, Any]) -> Happened:
    return Happened(
        at=datetime.fromisoformat(each["event_time"]),
        entity=each["entity_id"],
        type=each["event_type"],
        reason=each["event_reason"],
        status=Status(each["event_state"]),
        loa=each["loa"],
        valid_until=each["validity_duration"],
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _digest(text: str | None) -> str | None:
    if text is None:
        return None
    kind, _, digest = text.partition(":")
    if kind != "sha256":
        raise ValueError("not a digest")
    return digest
