"""The copy as JSON-LD 1.1: people, values, sources, consents and events in the terms of DPV,
PROV-O and schema.org. Pure. What those have no word for stands in the JSON only.
"""

from collections.abc import Mapping
from typing import Any

from policies.catalogue import Catalogue
from policies.ids import AttributeId, SourceId

CONTEXT: Mapping[str, object] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "prov": "http://www.w3.org/ns/prov#",
    "schema": "https://schema.org/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "status": {"@id": "dpv:hasConsentStatus", "@type": "@id"},
    "subject": {"@id": "dpv:hasDataSubject", "@type": "@id"},
    "recipient": {"@id": "dpv:hasRecipient", "@type": "@id"},
    "data": {"@id": "dpv:hasPersonalData", "@type": "@id"},
    "attributedTo": {"@id": "prov:wasAttributedTo", "@type": "@id"},
    "stated": {"@id": "prov:generatedAtTime", "@type": "xsd:dateTime"},
    "at": {"@id": "prov:startedAtTime", "@type": "xsd:dateTime"},
    "name": "schema:name",
    "identifier": "schema:identifier",
    "property": "schema:propertyID",
    "value": "schema:value",
    "until": {"@id": "schema:validThrough", "@type": "xsd:date"},
}
_STATUSES: Mapping[str, str] = {
    "requested": "dpv:ConsentRequested",
    "deferred": "dpv:ConsentRequestDeferred",
    "pending_joint": "dpv:ConsentRequested",
    "active": "dpv:ConsentGiven",
    "refused": "dpv:ConsentRefused",
    "expired": "dpv:ConsentExpired",
    "withdrawn": "dpv:ConsentWithdrawn",
    "revoked": "dpv:ConsentRevoked",
    "invalidated": "dpv:ConsentInvalidated",
}


def linked(document: Mapping[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """The document of `service.portability.document` as a graph."""
    person = f"urn:uuid:{document['person']['id']}"
    sources = dict.fromkeys(each["source"] for each in document["values"])
    graph: list[dict[str, Any]] = [
        {"@id": person, "@type": ["dpv:DataSubject", "prov:Person", "schema:Person"]},
        *(_source(each, catalogue) for each in sources),
        *(_value(each, person, catalogue) for each in document["values"]),
        *(_consent(each, person) for each in document["consents"]),
        *(_event(each, person) for each in document["log"]),
    ]
    return {"@context": dict(CONTEXT), "@graph": graph}


def _source(source: str, catalogue: Catalogue) -> dict[str, Any]:
    known = catalogue.sources.get(SourceId(source))
    named = {"@value": source} if known is None else {"@value": known.name.fi, "@language": "fi"}
    return {
        "@id": _urn("source", source),
        "@type": ["prov:Agent", "dpv:DataSource"],
        "name": [named],
    }


def _value(each: Mapping[str, Any], person: str, catalogue: Catalogue) -> dict[str, Any]:
    attribute = catalogue.attribute(AttributeId(each["attribute"]))
    node = {
        "@id": _urn("value", f"{each['source']}:{each['attribute']}:{each['version']}"),
        "@type": ["dpv:PersonalData", "prov:Entity", "schema:PropertyValue", attribute.dpv],
        "property": each["attribute"],
        "value": each["value"],
        "subject": person,
        "attributedTo": _urn("source", each["source"]),
        "stated": each["observed_at"],
    }
    return node | ({"until": each["valid_to"]} if each["valid_to"] else {})


def _consent(each: Mapping[str, Any], person: str) -> dict[str, Any]:
    node = {
        "@id": f"urn:uuid:{each['id']}",
        "@type": ["dpv:Consent" if each["basis"] == "consent" else "dpv:LegalBasis"],
        "subject": person,
        "recipient": _urn("organisation", each["organisation"]),
        "data": [_urn("attribute", one) for one in each["granted"]],
    }
    status = _STATUSES.get(each["status"])
    return node | ({"status": status} if status else {})


def _event(each: Mapping[str, Any], person: str) -> dict[str, Any]:
    return {
        "@id": f"urn:uuid:{each['event_id']}",
        "@type": ["prov:Activity"],
        "at": each["at"],
        "subject": person,
        "name": each["fields"].get("kind", "erased"),
    }


def _urn(kind: str, name: str) -> str:
    return f"urn:consent-vault:{kind}:{name}"
