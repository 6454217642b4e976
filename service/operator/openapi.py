"""What OpenAPI says of the operator's API, with an example of each body."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from consent.declared import Act, DeclarationKind, DeclarationStatus
from policies.catalogue import load_catalogue
from policies.ids import DatasetId, PurposeId
from policies.schemas import embedded
from policies.service_declarations import declared_by_catalogue
from service.proposed_act import ActKind, ActOutcome

_PROBLEM = {"content": {"application/problem+json": {"schema": {"type": "object"}}}}
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_DIGEST = {"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$"}
_REFUSED: Mapping[int | str, dict[str, Any]] = {
    401: {"description": "Nobody is signed in", **_PROBLEM},
    403: {"description": "Not an operator, or not from our own site", **_PROBLEM},
    "4XX": {"description": "Not understood", **_PROBLEM},
}
_ACTED: Mapping[int | str, dict[str, Any]] = {
    404: {"description": "There is no such declaration or proposal", **_PROBLEM},
    409: {"description": "Not in this status, not the next version, or yours already", **_PROBLEM},
    422: {"description": "`errors` names the member that is wrong", **_PROBLEM},
}
_DECLARED: Mapping[str, Any] = {
    "type": "object",
    "required": ["kind", "id", "version", "status", "digest", "possible", "declaration"],
    "properties": {
        "kind": {"enum": list(DeclarationKind)},
        "id": {"type": "string"},
        "version": {"type": "integer"},
        "status": {"enum": list(DeclarationStatus)},
        "digest": _DIGEST,
        "changed_at": _MOMENT,
        "possible": {"type": "array", "items": {"enum": list(Act)}},
        "declaration": {"type": "object"},
    },
}
_PROPOSED: Mapping[str, Any] = {
    "type": "object",
    "required": ["number", "what", "subject", "proposed_at", "open", "outcome", "digest"],
    "properties": {
        "number": {"type": "integer"},
        "what": {"enum": list(ActKind)},
        "subject": {"type": "string"},
        "proposed_at": _MOMENT,
        "open": {"type": "boolean"},
        "outcome": {"enum": [*ActOutcome, None]},
        "digest": _DIGEST,
    },
}
_ACT_EXAMPLE = {
    "number": 7,
    "what": "suspend-declaration",
    "subject": "purpose:debt-advice@1",
    "proposed_at": "2026-11-24T09:00:00Z",
    "open": True,
    "outcome": None,
    "digest": None,
}


@cache
def _examples() -> dict[str, Any]:
    """The catalogue's own declarations, so that an example is never one that is refused."""
    catalogue = load_catalogue()
    purpose = catalogue.purpose(PurposeId("debt-advice"))
    service = declared_by_catalogue(catalogue, catalogue.dataset(DatasetId("income")))
    return {
        "purpose": {"summary": "Of a recipient", "value": purpose.to_json()},
        "service": {"summary": "Of a source", "value": service.to_json()},
    }


def _declared_example() -> dict[str, Any]:
    purpose = _examples()["purpose"]["value"]
    return {
        "kind": "purpose",
        "id": purpose["id"],
        "version": purpose["version"],
        "status": "draft",
        "digest": load_catalogue().purpose(PurposeId("debt-advice")).digest(),
        "changed_at": "2026-11-24T09:00:00Z",
        "possible": ["edit", "submit"],
        "declaration": purpose,
    }


def _answer(schema: Mapping[str, Any], example: object, description: str) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": description, "content": content}


def _listed(name: str, schema: Mapping[str, Any], example: object) -> dict[str, Any]:
    members = {
        "type": "object",
        "required": [name],
        "properties": {name: {"type": "array", "items": schema}},
    }
    return _answer(members, {name: [example]}, "In order")


def _body() -> dict[str, Any]:
    schemas = [embedded("purpose"), embedded("service")]
    content = {"application/json": {"schema": {"anyOf": schemas}, "examples": _examples()}}
    return {"requestBody": {"required": True, "content": content}}


_ONE = _answer(_DECLARED, _declared_example(), "The declaration and how it stands")
_ACT = _answer(_PROPOSED, _ACT_EXAMPLE, "The proposal")

LIST: dict[str, Any] = {
    "responses": {200: _listed("declarations", _DECLARED, _declared_example()), **_REFUSED}
}
ONE: dict[str, Any] = {"responses": {200: _ONE, 404: _ACTED[404], **_REFUSED}}
DRAFT: dict[str, Any] = {
    "status_code": 201,
    "responses": {201: _ONE, **_ACTED, **_REFUSED},
    "openapi_extra": _body(),
}
EDIT: dict[str, Any] = {
    "responses": {200: _ONE, **_ACTED, **_REFUSED},
    "openapi_extra": _body(),
}
ACT: dict[str, Any] = {"responses": {200: _ONE, 202: _ACT, **_ACTED, **_REFUSED}}
ACTS: dict[str, Any] = {"responses": {200: _listed("acts", _PROPOSED, _ACT_EXAMPLE), **_REFUSED}}
DECIDE: dict[str, Any] = {"responses": {200: _ACT, **_ACTED, **_REFUSED}}
"""Arguments of the routes."""
