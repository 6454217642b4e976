"""The copy as JSON: `consent-vault/person-export/v1` (policies/data/schema). Pure.

Of a value about others too it says that it is, and not who they are: their part is theirs.
"""

import base64
import json
from typing import Any

from audit.model import Entry
from consent.authorization_details import format_instant
from policies.facts import Fact
from policies.vocabulary import Label
from service.portability.gathering import Copy, GivenConsent, LogLine
from service.portability.tables import LEFT_OUT
from vault.model import Dispute
from vault.viewing import Statement

FORMAT = "consent-vault/person-export/v1"
SCHEMA = "person-export"
TYPE = "person-export+jwt"


def document(copy: Copy, issuer: str) -> dict[str, Any]:
    """Everything, as members of canonical JSON."""
    taken = copy.taken
    return {
        "format": FORMAT,
        "iss": issuer,
        "export_id": str(taken.event_id),
        "made_at": format_instant(copy.made_at),
        "person": _person(copy),
        "values": [_value(each) for each in taken.statements],
        "disputes": [_dispute(each) for each in taken.disputes],
        "unwanted": [
            {"dataset": each.dataset, "since": format_instant(each.since)}
            for each in taken.unwanted
        ],
        "erasures": [
            {
                "erasure_id": str(each.id),
                "at": format_instant(each.at),
                "statement": each.statement,
            }
            for each in taken.erasures
        ],
        "consents": [_consent(each) for each in copy.consents],
        "log": [_line(each, issuer) for each in copy.log],
        "not_included": [{"what": table, "why": why} for table, why in sorted(LEFT_OUT.items())],
    }


def _person(copy: Copy) -> dict[str, Any]:
    taken = copy.taken
    return {
        "id": str(copy.person),
        "known_since": format_instant(taken.since),
        "roles": [each.value for each in copy.roles],
        "identifiers": [
            {
                "scheme": each.scheme,
                "valid_from": format_instant(each.valid_from),
                "valid_to": None if each.valid_to is None else format_instant(each.valid_to),
            }
            for each in taken.identifiers
        ],
        "pseudonyms": [
            {
                "organisation": each.sector,
                "subject": each.subject,
                "issued_at": format_instant(each.issued_at),
                "of_former_record": each.former,
            }
            for each in taken.pseudonyms
        ],
        "former_records": [
            {"id": str(each.id), "joined_at": format_instant(each.joined_at)}
            for each in taken.former
        ],
    }


def _value(said: Statement) -> dict[str, Any]:
    fact = said.fact
    return {
        "attribute": fact.attribute,
        "value": list(fact.value) if isinstance(fact.value, tuple) else fact.value,
        "source": fact.source,
        "authority": fact.authority.name.lower(),
        "observed_at": format_instant(fact.observed_at),
        "valid_to": None if fact.valid_to is None else fact.valid_to.isoformat(),
        "labels": sorted(fact.labels),
        "about_others": bool(fact.also_about) or Label.JOINT in fact.labels,
        "version": said.version,
        "received_at": format_instant(said.received_at),
        "counts": said.counts,
        "evidence": _evidence(fact),
    }


def _evidence(fact: Fact) -> dict[str, Any] | None:
    """None where the document named others: who they are could be guessed from its digest."""
    if fact.evidence is None or fact.evidence.names_others or fact.also_about:
        return None
    digest = base64.b64encode(fact.evidence.digest).decode("ascii")
    return {"sha256": digest, "signature": fact.evidence.signature}


def _dispute(each: Dispute) -> dict[str, Any]:
    return {
        "id": str(each.id),
        "attribute": each.attribute,
        "source": each.source,
        "version": each.version,
        "reason": each.reason.value,
        "restricts": each.restricts,
        "opened_at": format_instant(each.opened_at),
        "outcome": None if each.outcome is None else each.outcome.value,
        "settled_at": None if each.settled_at is None else format_instant(each.settled_at),
    }


def _consent(given: GivenConsent) -> dict[str, Any]:
    one = given.consent
    return {
        "id": str(one.id),
        "organisation": one.organisation,
        "purpose": one.purpose,
        "purpose_version": one.purpose_version,
        "basis": one.basis.value,
        "status": one.status.value,
        "created_at": format_instant(one.created_at),
        "not_after": None if one.not_after is None else format_instant(one.not_after),
        "uses_allowed": one.uses_allowed,
        "uses_left": one.uses_left,
        "case": one.case,
        "requested": list(one.requested),
        "granted": list(one.granted),
        "refused": list(one.refused),
        "records": [
            {
                "version": each.version,
                "status": each.status.value,
                "at": format_instant(each.at),
                "sha256": each.digest,
                "document": each.content,
            }
            for each in given.records
        ],
        "receipts": [
            {
                "id": str(each.id),
                "version": each.version,
                "issued_at": format_instant(each.issued_at),
                "jws": each.jws,
            }
            for each in given.receipts
        ],
    }


def _line(line: LogLine, issuer: str) -> dict[str, Any]:
    entry = line.entry
    placed = entry.index is not None and entry.log is not None
    return {
        "event_id": str(entry.event_id),
        "at": format_instant(entry.at),
        "fields": dict(entry.fields) if isinstance(entry, Entry) else {},
        "place": {"log": entry.log, "index": entry.index} if placed else None,
        "proof": None if line.proof is None else json.loads(str(line.proof)),
        "proof_at": f"{issuer}/fi/log/{entry.event_id}/proof.json",
    }
