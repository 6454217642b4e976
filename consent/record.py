"""The document of a record: ISO/IEC TS 27560:2023 in canonical JSON, one version after another.

Clause 6.3 gives the members their names: header, processing, parties, events. Two mandatory ones
are not there, since nobody has told us: a party's postal address, and where the recipient keeps
the data. What the document adds is said by its `schema_version`: version and previous digest in
the header, `granted` and `refused` by attribute, the level of assurance of an event. It holds no
data and no identity: the person stands in it under a name that only this consent's recipient
shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from consent.authorization_details import format_instant
from consent.grounds import Ground
from consent.model import Command, Consent, ConsentRecord
from policies.ids import AttributeId, SessionId
from policies.legal_grounds import rights_of
from policies.purposes import PurposeDeclaration
from policies.vocabulary import Language, LegalBasis, LevelOfAssurance, Necessity

SCHEMA_VERSION = "27560:2023+consent-vault:1"

_EVENT_TYPES: Mapping[Command, str] = {
    Command.GIVE: "explicit",
    Command.REFUSE: "refused",
    Command.NARROW: "explicit",
    Command.RENEW: "explicit",
    Command.WITHDRAW: "withdrawn",
}
_ARTICLE_6_1_A = "A6-1-a"


class Mode(StrEnum):
    """In which way something was shown."""

    WEB = "web"
    PLAIN = "plain"
    SPOKEN = "spoken"
    PAPER = "paper"
    PHONE = "phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """What the person was shown before answering (clause 6.2.2)."""

    notice_digest: str
    presentation_digest: str
    language: Language
    shown_at: datetime
    session: SessionId
    mode: Mode = Mode.WEB
    template: str = ""
    template_digest: str = ""
    choices: tuple[AttributeId, ...] = ()
    """What could be ticked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEvent:
    """One thing that happened to the consent (clause 6.3.7)."""

    command: Command
    entity: str
    at: datetime
    loa: LevelOfAssurance | None = None
    ground: Ground | None = None


def withdrawal_path(language: str) -> str:
    """Where on the vault's site the person withdraws, in the language of the notice."""
    return f"/{language}/consents"


def first_document(
    consent: Consent,
    *,
    declaration: PurposeDeclaration,
    party: Mapping[str, object],
    presentation: Presentation,
    event: RecordEvent,
) -> dict[str, Any]:
    """The document of version 1: what was asked, shown and answered."""
    return {
        "header": _header(consent, previous=None, at=event.at),
        "processing": _processing(consent, declaration, presentation),
        "parties": [{**party, "party_role": "recipient"}],
        "events": [_event(consent, event)],
    }


def next_document(before: ConsentRecord, consent: Consent, event: RecordEvent) -> dict[str, Any]:
    """The document of the next version: the same notice, one event more, and what is given now."""
    content = before.content
    return {
        **content,
        "header": _header(consent, previous=before.digest, at=event.at),
        "processing": _as_it_stands(content["processing"], consent),
        "events": [*content["events"], _event(consent, event)],
    }


def renewed_document(before: ConsentRecord, answered: dict[str, Any]) -> dict[str, Any]:
    """The document of an answer to a consent that has a record already: it goes on from there."""
    return {
        **answered,
        "header": {**answered["header"], "previous": f"sha256:{before.digest}"},
        "events": [*before.content["events"], *answered["events"]],
    }


def _as_it_stands(processing: dict[str, Any], consent: Consent) -> dict[str, Any]:
    (purpose,) = processing["purposes"]
    given = [
        {**each, "granted": each["pii_attribute_id"] in consent.granted}
        for each in purpose["pii_information"]
    ]
    return {**processing, "purposes": [{**purpose, "pii_information": given}]}


def _header(consent: Consent, *, previous: str | None, at: datetime) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "record_id": str(consent.id),
        "pii_principal_id": consent.principal,
        "version": consent.version,
        "previous": None if previous is None else f"sha256:{previous}",
        "created_at": format_instant(at),
    }


def _processing(
    consent: Consent, declaration: PurposeDeclaration, presentation: Presentation
) -> dict[str, object]:
    return {
        "privacy_notice": {
            "notice_version_id": f"{declaration.id}@{declaration.version}",
            "content_hash": f"sha256:{presentation.notice_digest}",
            "presentation_hash": f"hmac-sha256:{presentation.presentation_digest}",
            "shown_at": format_instant(presentation.shown_at),
            "session": str(presentation.session),
        },
        "language": presentation.language.value,
        "purposes": [_purpose(consent, declaration)],
        "jurisdiction": "FI",
        "recipient_third_parties": declaration.recipients.to_json(),
        "withdrawal_method": [
            {"channel": "web", "at": withdrawal_path(presentation.language.value)}
        ],
        "privacy_rights": [
            each.value
            for each in rights_of(consent.basis, automated=declaration.automated_decision)
        ],
    }


def _purpose(consent: Consent, declaration: PurposeDeclaration) -> dict[str, object]:
    # GDPR article 6(1)(a) is the ground of `consent` only: with a permission or a request the
    # recipient's processing rests on the law that the declaration names.
    is_consent = consent.basis is LegalBasis.CONSENT
    return {
        "purpose": {"id": declaration.id, "text": declaration.purpose.to_json()},
        "purpose_type": [declaration.dpv_purpose],
        "lawful_basis": _ARTICLE_6_1_A if is_consent else consent.basis.value,
        "law": None if declaration.law is None else declaration.law.to_json(),
        "pii_information": _pii(consent, declaration),
        "pii_controllers": [consent.organisation],
        "retention_period": declaration.retention.to_json(),
        "automated_decision": declaration.automated_decision,
        "case": consent.case,
        "not_before": _instant(consent.not_before),
        "not_after": _instant(consent.not_after),
        "uses_allowed": consent.uses_allowed,
    }


def _pii(consent: Consent, declaration: PurposeDeclaration) -> list[dict[str, object]]:
    necessity = {each.id: each.necessity for each in declaration.attributes}
    return [
        {
            "pii_type": attribute.partition(".")[0],
            "pii_attribute_id": attribute,
            "pii_optional": necessity[attribute] is Necessity.OPTIONAL,
            "granted": attribute in consent.granted,
        }
        for attribute in consent.requested
        if attribute in necessity  # a renewal may be by a notice that no more asks for all of it
    ]


def _event(consent: Consent, event: RecordEvent) -> dict[str, object]:
    return {
        "event_time": format_instant(event.at),
        "validity_duration": _instant(consent.not_after) or "P0D",
        "entity_id": event.entity,
        "event_type": _EVENT_TYPES.get(event.command, "system"),
        "event_reason": event.command.reason,
        "event_state": consent.status.value,
        "loa": None if event.loa is None else event.loa.name.lower(),
        **({} if event.ground is None else {"event_ground": event.ground.value}),
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)
