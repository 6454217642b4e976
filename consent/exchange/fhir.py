"""The receipt as a Consent resource of HL7 FHIR R5 (5.0.0). Pure.

The base is `deny`, and the provision is the exception to it: what was given, to whom, for what and
until when. So whatever is left out of it, and a consent that was refused, is denied. The signed
receipt itself goes along as the attachment that the resource was made from.
"""

import base64
from collections.abc import Mapping

from consent.exchange.source import Document, Source, instant
from consent.model import Status

_STATUSES: Mapping[Status, str] = {
    Status.REQUESTED: "draft",
    Status.DEFERRED: "draft",
    Status.PENDING_JOINT: "draft",
    Status.ACTIVE: "active",
    Status.REFUSED: "active",
    Status.CANCELLED: "not-done",
    Status.LAPSED: "not-done",
    Status.INVALIDATED: "entered-in-error",
}
"""All others are inactive. A refusal is a decision in force: nothing may be given."""
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_PREFIXES: Mapping[str, str] = {
    "dpv": "https://w3id.org/dpv#",
    "sector-publicservices": "https://w3id.org/dpv/sector/publicservices#",
}
_GDPR = "https://w3id.org/dpv/legal/eu/gdpr#"


def fhir(source: Source) -> Document:
    """The Consent resource."""
    content = source.content
    resource: Document = {
        "resourceType": "Consent",
        "id": str(content.id),
        "language": content.language.value,
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{content.record}"}],
        "status": _STATUSES.get(content.status, "inactive"),
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "subject": _person(source),
        "date": content.happened.at.date().isoformat(),
        "period": _period(source),
        "grantor": [_person(source)],
        "grantee": [_recipient(source)],
        "manager": [{"identifier": {"system": "urn:ietf:rfc:3986", "value": content.issuer}}],
        "controller": [_recipient(source)],
        "sourceAttachment": [
            {
                "contentType": "application/jose",
                "data": base64.b64encode(source.jws.encode("ascii")).decode("ascii"),
                "title": f"receipt-{content.id}.jws",
                "creation": instant(content.issued_at),
            }
        ],
        "regulatoryBasis": [_basis(source)],
        "policyBasis": {"url": content.party["party_url"]},
        "verification": [
            {
                "verified": True,
                "verifiedWith": _person(source),
                "verificationDate": [instant(content.happened.at)],
            }
        ],
        "decision": "deny",
    }
    if content.granted:
        resource["provision"] = [_provision(source)]
    return resource


def _person(source: Source) -> Document:
    """Under the name that only this recipient shares."""
    return {"identifier": {"system": source.content.issuer, "value": source.content.principal}}


def _recipient(source: Source) -> Document:
    content = source.content
    return {
        "identifier": {"system": "urn:consent-vault:organisation", "value": content.organisation},
        "display": source.words(content.party["party_name"]),
    }


def _period(source: Source) -> Document:
    content = source.content
    period = {"start": instant(content.not_before or content.happened.at)}
    ends = content.not_after
    return period if ends is None else period | {"end": instant(ends)}


def _basis(source: Source) -> Document:
    content = source.content
    text = content.basis.value if content.law is None else source.words(content.law)
    if content.is_consent:
        return {"coding": [{"system": _GDPR, "code": "A6-1-a"}], "text": text}
    return {"text": text}


def _provision(source: Source) -> Document:
    content = source.content
    prefix, _, term = content.purpose_type.partition(":")
    confidential = "R" if source.special else "N"
    return {
        "period": _period(source),
        "actor": [
            {
                "role": {
                    "coding": [{"system": f"{_TERMINOLOGY}/v3-ParticipationType", "code": "IRCP"}]
                },
                "reference": _recipient(source),
            }
        ],
        "action": [{"coding": [{"system": f"{_TERMINOLOGY}/consentaction", "code": "access"}]}],
        "securityLabel": [{"system": f"{_TERMINOLOGY}/v3-Confidentiality", "code": confidential}],
        "purpose": [
            {
                "system": _PREFIXES.get(prefix, f"urn:consent-vault:{prefix}"),
                "code": term,
                "display": source.words(content.purpose_text),
            }
        ],
        "code": [
            {
                "coding": [
                    {
                        "system": "urn:consent-vault:attribute",
                        "code": each,
                        "display": source.name(each),
                    }
                ]
            }
            for each in content.granted
        ],
    }
