"""The receipt as JSON-LD in the Data Privacy Vocabulary (W3C DPV 2.3, its guide for 27560). Pure.

Terms are those of the vocabulary's files: the guide names some that they do not have.
"""

from collections.abc import Mapping

from consent.exchange.source import Document, Source, instant, urn, uuid_urn
from consent.model import Command, Status
from consent.receipt_content import Happened
from policies.vocabulary import LegalBasis

CONTEXT: Mapping[str, str] = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "eu-dga": "https://w3id.org/dpv/legal/eu/dga#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "loc": "https://w3id.org/dpv/loc#",
    "pd": "https://w3id.org/dpv/pd#",
    "sector-publicservices": "https://w3id.org/dpv/sector/publicservices#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_RECEIPT = "https://w3id.org/dpv/schema/dpv-27560#receipt"
_RECORD = "https://w3id.org/dpv/schema/dpv-27560#record"
_BASES: Mapping[LegalBasis, str] = {
    LegalBasis.CONSENT: "eu-gdpr:A6-1-a",
    LegalBasis.PERMISSION: "eu-dga:A2-6-Permission",
    LegalBasis.REQUEST: "dpv:LegalBasis",
    LegalBasis.STATUTE: "eu-gdpr:A6-1-c",
    LegalBasis.CONTRACT: "eu-gdpr:A6-1-b",
    LegalBasis.VITAL: "eu-gdpr:A6-1-d",
}
_NOT_VALID = "dpv:ConsentStatusInvalidForProcessing"
_STATUSES: Mapping[Status, str] = {
    Status.REQUESTED: "dpv:ConsentRequested",
    Status.DEFERRED: "dpv:ConsentRequestDeferred",
    Status.PENDING_JOINT: "dpv:ConsentRequested",
    Status.ACTIVE: "dpv:ConsentGiven",
    Status.SUSPENDED: _NOT_VALID,
    Status.REFUSED: "dpv:ConsentRefused",
    Status.LAPSED: "dpv:ConsentUnknown",
    Status.CANCELLED: _NOT_VALID,
    Status.EXPIRED: "dpv:ConsentExpired",
    Status.WITHDRAWN: "dpv:ConsentWithdrawn",
    Status.REVOKED: "dpv:ConsentRevoked",
    Status.INVALIDATED: "dpv:ConsentInvalidated",
    Status.SUPERSEDED: _NOT_VALID,
}


def dpv(source: Source) -> Document:
    """The receipt as one JSON-LD document that needs no other."""
    content = source.content
    return {
        "@context": dict(CONTEXT),
        "@id": uuid_urn(content.id),
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": {"@id": _RECEIPT},
        "dct:identifier": str(content.id),
        "dct:created": _time(instant(content.issued_at)),
        "dct:publisher": {"@id": content.issuer},
        "dpv:hasRecordOfActivity": _record(source),
    }


def _record(source: Source) -> Document:
    content = source.content
    return {
        "@id": uuid_urn(content.record),
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": {"@id": _RECORD},
        "dct:identifier": str(content.record),
        "dct:hasVersion": str(content.version),
        "dpv:hasDataSubject": {"@id": urn("principal", content.principal)},
        "dpv:hasDataController": _controller(source),
        "dpv:hasRecipient": {
            "@type": "dpv:Recipient",
            "dct:description": _words(content.recipients),
        },
        "dpv:hasJurisdiction": {"@id": f"loc:{content.jurisdiction}"},
        "dpv:hasLegalBasis": _legal_basis(source),
        "dpv:hasRight": [{"@id": f"eu-gdpr:A{each}"} for each in content.rights],
        "dpv:hasAuthority": {
            "@id": content.complaint["party_url"],
            "@type": "dpv:DataProtectionAuthority",
            "dpv:hasName": _words(content.complaint["party_name"]),
        },
        "dpv:hasNotice": {
            "@type": "dpv:ConsentNotice",
            "dct:identifier": content.notice_version,
            "dct:language": content.language.value,
            "dct:date": _time(instant(content.shown_at)),
        },
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": {"@id": content.withdraw_at},
        },
        "dpv:hasConsentStatus": [_status(source, each) for each in content.events],
        "dpv:hasProcess": _process(source),
    }


def _controller(source: Source) -> Document:
    party = source.content.party
    return {
        "@id": urn("organisation", source.content.organisation),
        "@type": "dpv:DataController",
        "dpv:hasName": _words(party["party_name"]),
        "dpv:hasAddress": source.address,
        "dpv:hasContact": party["party_contact"],
        "foaf:page": {"@id": party["party_url"]},
    }


def _legal_basis(source: Source) -> list[Document]:
    content = source.content
    basis: Document = {"@id": _BASES[content.basis]}
    if content.law is not None:
        basis = {"@type": _BASES[content.basis], "dct:description": _words(content.law)}
    special = [{"@id": "eu-gdpr:A9-2-a"}] if content.is_consent and source.special else []
    return [basis, *special]


def _status(source: Source, each: Happened) -> Document:
    renewed = each.reason == Command.RENEW.reason
    kind = "principal" if each.entity == source.content.principal else "entity"
    return {
        "@type": "dpv:RenewedConsentGiven" if renewed else _STATUSES[each.status],
        "dpv:isIndicatedAtTime": _time(instant(each.at)),
        "dpv:isIndicatedBy": {"@id": urn(kind, each.entity)},
        "dct:description": each.reason,
    }


def _process(source: Source) -> Document:
    content = source.content
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@id": urn("purpose", content.notice_version),
            "@type": content.purpose_type,
            "dct:description": _words(content.purpose_text),
        },
        "dpv:hasPersonalData": [
            {
                "@id": urn("attribute", each.attribute),
                "@type": [
                    source.category(each.attribute),
                    *(
                        ["dpv:SpecialCategoryPersonalData"]
                        if source.is_special(each.attribute)
                        else []
                    ),
                ],
                "dct:identifier": each.attribute,
                "dct:title": source.name(each.attribute),
                "dpv:hasNecessity": {"@id": "dpv:Optional" if each.optional else "dpv:Required"},
                "dpv:hasConsentStatus": {
                    "@id": "dpv:ConsentGiven" if each.granted else "dpv:ConsentRefused"
                },
            }
            for each in content.items
        ],
        "dpv:hasStorageCondition": _storage(source),
    }


def _storage(source: Source) -> list[Document]:
    duration: Document = {
        "@type": "dpv:StorageDuration",
        "dct:description": _words(source.content.retention),
    }
    if source.retention_period is not None:
        duration["dpv:hasDuration"] = {
            "@type": "xsd:duration",
            "@value": source.retention_period,
        }
    return [
        duration,
        *(
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": {"@id": f"loc:{each}"}}
            for each in source.storage_locations
        ),
    ]


def _words(text: Mapping[str, str]) -> list[Document]:
    return [{"@language": language, "@value": words} for language, words in sorted(text.items())]


def _time(text: str) -> Document:
    return {"@type": "xsd:dateTime", "@value": text}
