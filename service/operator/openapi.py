"""What OpenAPI says of the operator's API, with an example of each body."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from consent.clients import ClientStatus
from consent.declared import Act, DeclarationKind, DeclarationStatus
from policies.catalogue import load_catalogue
from policies.ids import DatasetId, PurposeId
from policies.purposes import PurposeDeclaration
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


_KEY_EXAMPLE = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "kid": "key-1",
    "alg": "ES256",
    "use": "sig",
}
"""The public key of RFC 7515 appendix A.3."""
_METADATA_EXAMPLE = {
    "client_id": "debt-counsel-9",
    "client_name": "Debt counselling case system",
    "organisation": "debt-counsel",
    "redirect_uris": ["https://velkaneuvonta.esimerkkila.example/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "private_key_jwt",
    "dpop_bound_access_tokens": True,
    "jwks": {"keys": [_KEY_EXAMPLE]},
}
_CLIENT: Mapping[str, Any] = {
    "type": "object",
    "required": ["client_id", "client_name", "organisation", "status", "jwks", "registered_at"],
    "properties": {
        "client_id": {"type": "string"},
        "client_name": {"type": "string"},
        "organisation": {"type": "string"},
        "status": {"enum": list(ClientStatus)},
        "redirect_uris": {"type": "array", "items": {"type": "string"}},
        "grant_types": {"type": "array", "items": {"type": "string"}},
        "authorization_details_types": {"type": "array", "items": {"type": "string"}},
        "jwks": {"type": "object"},
        "registered_at": _MOMENT,
    },
}
_CLIENT_EXAMPLE = {
    "client_id": "debt-counsel-9",
    "client_name": "Debt counselling case system",
    "organisation": "debt-counsel",
    "status": "active",
    "redirect_uris": ["https://velkaneuvonta.esimerkkila.example/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "authorization_details_types": ["personal_data"],
    "jwks": {"keys": [_KEY_EXAMPLE]},
    "registered_at": "2026-11-24T09:00:00Z",
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
        "digest": PurposeDeclaration.from_json(purpose).digest(),
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


def _object(example: object) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _seen() -> dict[str, Any]:
    """The body of submitting and approving; the other acts need none."""
    schema = {"type": "object", "properties": {"digest": _DIGEST}}
    example = {"digest": _declared_example()["digest"]}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": False, "content": content}}


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
ACT: dict[str, Any] = {
    "responses": {200: _ONE, 202: _ACT, **_ACTED, **_REFUSED},
    "openapi_extra": _seen(),
}
ACTS: dict[str, Any] = {"responses": {200: _listed("acts", _PROPOSED, _ACT_EXAMPLE), **_REFUSED}}
CLIENTS: dict[str, Any] = {
    "responses": {200: _listed("clients", _CLIENT, _CLIENT_EXAMPLE), **_REFUSED}
}
REGISTER: dict[str, Any] = {
    "status_code": 202,
    "responses": {202: _ACT, **_ACTED, **_REFUSED},
    "openapi_extra": _object(_METADATA_EXAMPLE),
}
KEYS: dict[str, Any] = {
    "status_code": 202,
    "responses": {202: _ACT, **_ACTED, **_REFUSED},
    "openapi_extra": _object({"keys": [_KEY_EXAMPLE]}),
}
SUSPEND: dict[str, Any] = {
    "status_code": 202,
    "responses": {202: _ACT, **_ACTED, **_REFUSED},
}
DECIDE: dict[str, Any] = {"responses": {200: _ACT, **_ACTED, **_REFUSED}}
"""Arguments of the routes."""
