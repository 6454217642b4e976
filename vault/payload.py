"""What is inside a record's seal: the value together with its provenance. Pure.

Source, authority, times and labels are sealed with the value, so that whoever can write in the
database can neither give a value another origin nor take the mark of a protected person off it.
The form is JSON with sorted members, without spaces, in UTF-8.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import orjson

from policies.facts import Fact, Value
from policies.ids import AttributeId, SourceId
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
    )


def _value(content: str | int | bool | list[str]) -> Value:  # noqa: FBT001  # one of JSON's types
    return tuple(content) if isinstance(content, list) else content
