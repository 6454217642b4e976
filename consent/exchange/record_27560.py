"""The record with every mandatory member of ISO/IEC TS 27560:2023, by the standard's names. Pure.

The record that the vault signs says more than the standard has members for, and less where nobody
has told; here it stands in the closed form that others check with a schema. A ground that is no
consent stands under its own name: the standard is about consents.
"""

from consent.exchange.source import Document, Source, instant
from consent.receipt_content import Happened

SCHEMA_VERSION = "27560:2023+vault:1"


def record_27560(source: Source) -> Document:
    """The record of the receipt."""
    content = source.content
    return {
        "header": {
            "schema_version": SCHEMA_VERSION,
            "record_id": str(content.record),
            "pii_principal_id": content.principal,
            "version": content.version,
            "previous": _prefixed(content.previous_record),
            "created_at": instant(content.happened.at),
        },
        "processing": _processing(source),
        "parties": list(_parties(source)),
        "events": [_event(each) for each in content.events],
    }


def _prefixed(digest: str | None) -> str | None:
    return None if digest is None else f"sha256:{digest}"


def _processing(source: Source) -> Document:
    content = source.content
    return {
        "privacy_notice": {
            "notice_version_id": content.notice_version,
            "content_hash": content.notice_digest,
            "presentation_hash": f"sha256:{source.presentation_hash}",
            "shown_at": instant(content.shown_at),
        },
        "language": content.language.value,
        "purposes": [_purpose(source)],
        "jurisdiction": content.jurisdiction,
        "recipient_third_parties": [
            source.words(content.recipients),
            *source.terms.recipient_organisations,
        ],
        "withdrawal_method": [{"channel": "web", "at": content.withdraw_at}],
        "privacy_rights": list(content.rights),
        "authority_party": content.complaint["party_url"],
        "service": content.issuer,
    }


def _purpose(source: Source) -> Document:
    content = source.content
    purpose: Document = {
        "purpose": {"id": content.purpose, "text": dict(content.purpose_text)},
        "purpose_type": [content.purpose_type],
        "lawful_basis": _lawful_basis(source),
        "pii_controllers": [content.organisation],
        "pii_information": [
            {
                "pii_type": source.category(each.attribute),
                "pii_attribute_id": each.attribute,
                "pii_optional": each.optional,
                "sensitive_pii_category": source.is_sensitive(each.attribute),
                "special_pii_category": source.is_special(each.attribute),
                "granted": each.granted,
            }
            for each in content.items
        ],
    }
    if source.storage_locations:
        purpose["storage_locations"] = list(source.storage_locations)
    if source.retention_period is not None:
        purpose["retention_period"] = source.retention_period
    return purpose


def _lawful_basis(source: Source) -> str:
    if not source.content.is_consent:
        return source.content.basis.value
    return "A9-2-a" if source.special else "A6-1-a"


def _parties(source: Source) -> tuple[Document, ...]:
    content = source.content
    party, complaint = content.party, content.complaint
    return (
        {
            "party_id": content.organisation,
            "party_name": source.words(party["party_name"]),
            "party_address": source.address,
            "party_contact": party["party_contact"],
            "party_url": party["party_url"],
            "party_type": "controller",
            "party_role": "recipient",
        },
        {
            "party_id": content.issuer,
            "party_name": content.issuer,
            "party_address": content.issuer,
            "party_contact": content.issuer,
            "party_type": "intermediary",
        },
        {
            "party_id": complaint["party_url"],
            "party_name": source.words(complaint["party_name"]),
            "party_address": complaint["party_url"],
            "party_contact": complaint["party_url"],
            "party_url": complaint["party_url"],
            "party_type": "authority",
        },
    )


def _event(each: Happened) -> Document:
    event = {
        "event_time": instant(each.at),
        "validity_duration": each.valid_until,
        "entity_id": each.entity,
        "event_type": each.type,
        "event_state": each.status.value,
    }
    return event if each.loa is None else event | {"loa": each.loa}
