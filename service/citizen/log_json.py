"""A person's log for programs: `consent-vault/own-log/v1`, described in OpenAPI by `SCHEMA`.

Each entry has the words of the page in one language, the fields as they stand in the log, its
place in the tree, and where its proof is.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson

from policies.vocabulary import Language
from service.citizen.own_log import Told
from service.i18n import texts
from service.words import BASES, Line, LineState

FORMAT = "consent-vault/own-log/v1"
_TEXT = {"type": "string"}
_MOMENT = {"type": "string", "format": "date-time"}
_WORDS = ("event", "explanation", "who", "what_for", "ground", "reason")


def _object(members: dict[str, Any]) -> dict[str, Any]:
    required = list(members)
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": members,
    }


_PLACE = _object({"log": _TEXT, "index": {"type": "integer", "minimum": 0}})
_ENTRY = _object(
    {
        "event_id": {"type": "string", "format": "uuid"},
        "at": _MOMENT,
        "state": {
            "enum": list(LineState),
            "description": "`erased`: its key is destroyed. `damaged`: it was changed: tell us.",
        },
        "refused": {"type": "boolean"},
        "words": _object(
            dict.fromkeys(_WORDS, _TEXT) | {"attributes": {"type": "array", "items": _TEXT}}
        ),
        "fields": {
            "type": "object",
            "description": "Codes and ids, by the names of the log's disclosures",
            "additionalProperties": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]},
        },
        "place": {
            "anyOf": [_PLACE, {"type": "null"}],
            "description": "Which tree, and the index in it; null while it waits for its place",
        },
        "proof": {
            "type": "string",
            "format": "uri",
            "description": "The event with its proof, to be checked offline",
        },
    }
)
SCHEMA = _object(
    {
        "format": {"const": FORMAT},
        "language": {"enum": list(Language)},
        "made_at": _MOMENT,
        "log_begins": {"anyOf": [_MOMENT, {"type": "null"}]},
        "entries": {"type": "array", "items": _ENTRY, "description": "Newest first"},
    }
)
"""JSON Schema of the document."""


def json_parts(
    pieces: Iterable[Sequence[Told]],
    language: Language,
    addresses: str,
    *,
    made_at: datetime,
    begins: datetime | None,
) -> Iterator[str]:
    """The document in parts; `addresses` is what the address of each line begins with."""
    head = {
        "format": FORMAT,
        "language": language,
        "made_at": utc(made_at),
        "log_begins": None if begins is None else utc(begins),
    }
    yield orjson.dumps(head).decode().removesuffix("}") + ',"entries":['
    yield from joined((_entry(each, language, addresses) for each in piece) for piece in pieces)
    yield "]}\n"


def joined(pieces: Iterable[Iterable[dict[str, Any]]]) -> Iterator[str]:
    """The items of an array, a part for each piece of them."""
    between = "\n"
    for piece in pieces:
        items = [orjson.dumps(each).decode() for each in piece]
        if items:
            yield between + ",\n".join(items)
            between = ",\n"
    yield "\n"


def utc(moment: datetime) -> str:
    """A time as programs get it (RFC 3339)."""
    return moment.isoformat().replace("+00:00", "Z")


def _entry(told: Told, language: Language, addresses: str) -> dict[str, Any]:
    line = told.line
    return {
        "event_id": line.event_id,
        "at": utc(line.at),
        "state": line.state,
        "refused": line.refused,
        "words": _words(line, language),
        "fields": dict(told.fields),
        "place": None if line.index is None else {"log": line.log, "index": line.index},
        "proof": f"{addresses}{line.event_id}/proof.json",
    }


def _words(line: Line, language: Language) -> dict[str, Any]:
    return {
        "event": line.name,
        "explanation": line.sentence,
        "who": line.organisation.name.in_language(language) if line.organisation else "",
        "what_for": line.purpose.name.in_language(language) if line.purpose else "",
        "ground": texts(language).gettext(BASES[line.basis]) if line.basis else "",
        "reason": line.reason,
        "attributes": [each.name.in_language(language) for each in line.attributes],
    }
