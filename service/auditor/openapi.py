"""What OpenAPI says of the auditor's API."""

from collections.abc import Mapping
from typing import Any

from audit.model import Kind
from audit.results import Result
from audit.sampling import LARGEST
from policies.vocabulary import LegalBasis
from service.auditor.reasons import AuditReason

_TEXT = {"type": "string", "maxLength": 64}
_MOMENT = {"type": "string", "format": "date-time", "description": "UTC, ending with Z"}
_NUMBER = {"type": "integer", "minimum": 0}
_STATED: Mapping[str, Any] = {
    "reason": {"enum": list(AuditReason), "description": "Why you ask; stands in the log"},
    "case": {**_TEXT, "description": "Number of your case, if there is one"},
}
_SEARCHED: Mapping[str, Any] = {
    "since": _MOMENT,
    "until": {**_MOMENT, "description": "The first moment left out; UTC, ending with Z"},
    "kind": {"enum": list(Kind)},
    "result": {"enum": list(Result)},
    "organisation": _TEXT,
    "purpose": _TEXT,
    "basis": {"enum": list(LegalBasis)},
    "person": {**_TEXT, "description": "A pseudonym as another answer gave it"},
    "event": {"type": "string", "format": "uuid", "description": "One event; all else is ignored"},
    "before": {"type": "integer", "minimum": 1, "description": "`next` of the page before"},
}
_DRAWN: Mapping[str, Any] = {
    "seed": {**_TEXT, "description": "Your own; without one we make one up and say it"},
    "count": {"type": "integer", "minimum": 1, "maximum": LARGEST},
    "start": {**_NUMBER, "description": "The first index that may be drawn"},
    "log": {**_TEXT, "description": "A half-year, as `/audit/logs` lists them"},
    "size": {**_NUMBER, "description": "A size that was signed; the newest without it"},
}
_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}},
    401: {"description": "Nobody is signed in", **_PROBLEM},
    403: {"description": "Not an auditor, or not from our own site", **_PROBLEM},
    409: {"description": "Nothing of that size is signed", **_PROBLEM},
    422: {"description": "`faults` names the members that are wrong", **_PROBLEM},
    "4XX": {"description": "Not understood", **_PROBLEM},
}


def _body(members: Mapping[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["reason"],
        "additionalProperties": False,
        "properties": {**_STATED, **members},
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


STATE: dict[str, Any] = {"responses": _RESPONSES}
ENTRIES: dict[str, Any] = {"responses": _RESPONSES, "openapi_extra": _body(_SEARCHED)}
SAMPLE: dict[str, Any] = {"responses": _RESPONSES, "openapi_extra": _body(_DRAWN)}
"""Arguments of the routes."""
