"""What is inside a record's seal: the value together with its provenance. Pure.

Source, authority, times, labels, evidence and the other people concerned are sealed with the
value, so that whoever can write in the database can neither give a value another origin nor take
the mark of a protected person off it. The form is JSON with sorted members, without spaces, in
UTF-8. A member that came later (`also_about`, `evidence` and in it `names_others`) is absent where
there is nothing to say, so what was sealed before it came reads as having none.
"""

import base64
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from policies.facts import Evidence, Fact, Value
from policies.ids import AttributeId, PersonId, SourceId
from policies.vocabulary import AuthorityRank, Label

CONTENT_TYPE = "application/json"


def encode(fact: Fact) -> bytes:
    """The fact as the bytes to seal; its attribute is part of the place instead."""
    content = {
        "value": fact.value,
        "source": fact.source,
        "authority": int(fact.authority),
        "observed_at": fact.observed_at.isoformat(),
        "valid_to": None if fact.valid_to is None else fact.valid_to.isoformat(),
        "labels": sorted(fact.labels),
        **_later_members(fact),
    }
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)


def decode(attribute: AttributeId, plain: bytes) -> Fact:
    """The fact again. The bytes are our own: the seal has vouched for them."""
    content: Mapping[str, Any] = orjson.loads(plain)
    valid_to = content["valid_to"]
    return Fact(
        attribute=attribute,
        value=_value(content["value"]),
        source=SourceId(content["source"]),
        authority=AuthorityRank(content["authority"]),
        observed_at=datetime.fromisoformat(content["observed_at"]),
        valid_to=None if valid_to is None else date.fromisoformat(valid_to),
        labels=frozenset(Label(label) for label in content["labels"]),
        also_about=frozenset(PersonId(UUID(each)) for each in content.get("also_about", ())),
        evidence=_evidence(content.get("evidence")),
    )


def _later_members(fact: Fact) -> dict[str, object]:
    members: dict[str, object] = {}
    if fact.also_about:
        members["also_about"] = sorted(str(each) for each in fact.also_about)
    if fact.evidence is not None:
        members["evidence"] = _evidence_members(fact.evidence)
    return members


def _evidence_members(evidence: Evidence) -> dict[str, object]:
    digest = base64.b64encode(evidence.digest).decode("ascii")
    members: dict[str, object] = {"digest": digest, "signature": evidence.signature}
    return members | {"names_others": True} if evidence.names_others else members


def _evidence(content: Mapping[str, Any] | None) -> Evidence | None:
    if content is None:
        return None
    return Evidence(
        base64.b64decode(content["digest"]),
        content["signature"],
        names_others=content.get("names_others", False),
    )


def _value(content: str | int | bool | list[str]) -> Value:  # noqa: FBT001  # one of JSON's types
    return tuple(content) if isinstance(content, list) else content
