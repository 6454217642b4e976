"""The receipt after the Kantara Initiative's Consent Receipt Specification 1.1. Pure.

It is a snapshot of a consent that was given: it has no word for a refusal, an end, a choice of each
attribute, a proof. Whom else the recipient tells stands there as its own sentence.
"""

from consent.exchange.source import Document, Source

VERSION = "KI-CR-v1.1.0"


def kantara(source: Source) -> Document:
    """The receipt of a consent that was given."""
    content = source.content
    return {
        "version": VERSION,
        "jurisdiction": content.jurisdiction,
        "consentTimestamp": int(content.given_at.timestamp()),
        "collectionMethod": "web form",
        "consentReceiptID": str(content.id),
        "language": content.language.value,
        "piiPrincipalId": content.principal,
        "piiControllers": [_controller(source)],
        "policyUrl": content.party["party_url"],
        "services": [
            {"service": source.words(content.party["party_name"]), "purposes": [_purpose(source)]}
        ],
        "sensitive": bool(source.special),
        "spiCat": [source.name(each) for each in source.special],
    }


def _controller(source: Source) -> Document:
    party = source.content.party
    name, contact = source.words(party["party_name"]), party["party_contact"]
    return {
        "piiController": name,
        "onBehalf": False,
        "contact": contact,
        "address": {
            "streetAddress": source.address,
            "addressCountry": source.content.jurisdiction,
        },
        # Mandatory there: what a recipient has not told us is empty.
        "email": contact if "@" in contact else "",
        "phone": "",
        "piiControllerUrl": party["party_url"],
    }


def _purpose(source: Source) -> Document:
    content = source.content
    ends = content.not_after
    return {
        "purpose": source.words(content.purpose_text),
        "purposeCategory": [content.purpose_type],
        "consentType": "EXPLICIT",
        "piiCategory": [source.name(each) for each in content.granted],
        "primaryPurpose": True,
        "termination": source.words(content.retention)
        if ends is None
        else f"{ends.date().isoformat()}. {source.words(content.retention)}",
        # Who else sees the data is declared as a text, and every recipient declares one.
        "thirdPartyDisclosure": True,
        "thirdPartyName": source.words(content.recipients),
    }
