"""The consent as an Agreement of ODRL 2.2 (W3C Recommendation, 2018-02-15). Pure.

The person permits the recipient to use what was given, for the purpose and time that were agreed;
the recipient has the duties that the law and its own notice lay on it. What was not given is not
among the targets. A consent that has ended is bounded by the moment of its end.
"""

from consent.exchange.source import Document, Source, instant, urn, uuid_urn
from consent.model import LIVE

CONTEXT = "http://www.w3.org/ns/odrl.jsonld"


def odrl(source: Source) -> Document:
    """The agreement of a consent that was given."""
    content = source.content
    person = urn("principal", content.principal)
    recipient = urn("organisation", content.organisation)
    permission: Document = {
        "target": [urn("attribute", each) for each in content.granted],
        "assigner": person,
        "assignee": recipient,
        "action": "use",
        "constraint": _constraints(source),
        "duty": _duties(source, person),
    }
    return {
        "@context": [
            CONTEXT,
            {"dct": "http://purl.org/dc/terms/", "dpv": "https://w3id.org/dpv#"},
        ],
        "@type": "Agreement",
        "uid": f"{uuid_urn(content.record)}#{content.version}",
        "dct:issued": _time(instant(content.issued_at)),
        "dct:source": {"@id": uuid_urn(content.id)},
        "assigner": person,
        "assignee": recipient,
        "permission": [permission],
    }


def _constraints(source: Source) -> list[Document]:
    content = source.content
    constraints: list[Document] = [
        {
            "leftOperand": "purpose",
            "operator": "isA",
            "rightOperand": {"@id": urn("purpose", content.notice_version)},
        }
    ]
    ends = content.not_after if content.status in LIVE else content.happened.at
    for operator, moment in (("gteq", content.not_before), ("lt", ends)):
        if moment is not None:
            constraints.append(
                {
                    "leftOperand": "dateTime",
                    "operator": operator,
                    "rightOperand": _time(instant(moment)),
                }
            )
    if content.uses_allowed is not None:
        constraints.append(
            {
                "leftOperand": "count",
                "operator": "lteq",
                "rightOperand": {"@type": "xsd:integer", "@value": str(content.uses_allowed)},
            }
        )
    return constraints


def _duties(source: Source, person: str) -> list[Document]:
    """To tell the person (GDPR articles 13 and 14), and to delete what is not needed any more."""
    content = source.content
    retention = [
        {"@language": language, "@value": words}
        for language, words in sorted(content.retention.items())
    ]
    return [
        {"action": "inform", "informedParty": person},
        {
            "action": "delete",
            "dct:description": retention,
            "constraint": [
                {
                    "leftOperand": "event",
                    "operator": "gt",
                    "rightOperand": {"@id": "odrl:policyUsage"},
                }
            ],
        },
    ]


def _time(text: str) -> Document:
    return {"@type": "xsd:dateTime", "@value": text}
