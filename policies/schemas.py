"""The JSON Schemas (draft 2020-12) beside the data files, and the check against them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from policies.text import Text, TextError

_TEXT = "text"
_OURS = "urn:policies:"


class SchemaError(ValueError):
    """The value breaks its schema; `place` is the member's path, empty for the whole."""

    def __init__(self, place: tuple[str, ...], reason: str) -> None:
        super().__init__(f"{'.'.join(place)}: {reason}")
        self.place = place
        self.reason = reason


def conforming(value: object, schema: str) -> Any:
    """The value, when it conforms to the schema of that name; else SchemaError, first fault."""
    _check_json(value, ())
    for error in _validator(schema).iter_errors(value):
        raise _named(error)
    return value


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a value breaks its schema, and by which keyword; never what stood there."""

    place: tuple[str | int, ...]
    keyword: str


def first_fault(value: object, schema: str) -> Fault | None:
    """The first fault of a value that comes from outside; None when there is none.

    What is missing stands in the place by its name, since that is the schema's own; what is surplus
    does not.
    """
    error = next(_validator(schema).iter_errors(value), None)
    if error is None:
        return None
    place = tuple(error.instance_path)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        place = (*place, str(error.kind.property))
    return Fault(place, error.kind.name)


def text_member(members: Mapping[str, Any], name: str, *, within: tuple[str, ...] = ()) -> Text:
    """The text under that name, `within` being the path to the members."""
    try:
        return Text(**members[name])
    except TextError as error:
        raise SchemaError((*within, name, error.language), error.reason) from error


def _check_json(value: object, place: tuple[str, ...]) -> None:
    """JSON without floats: to JSON Schema 1.0 is an integer, to a digest it is not one value."""
    match value:
        case str() | int():
            return
        case list():
            for step, item in enumerate(value):
                _check_json(item, (*place, str(step)))
        case dict():
            for step, item in value.items():
                _check_json(item, (*place, str(step)))
        case _:
            raise SchemaError(place, f"is a {type(value).__name__}, which has no place here")


def _named(error: jsonschema_rs.ValidationError) -> SchemaError:
    """The error with the member itself as its place, also where it is missing or surplus."""
    place = tuple(str(step) for step in error.instance_path)
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.Required(property=missing):
            return SchemaError((*place, str(missing)), "is missing")
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties(unexpected=surplus):
            return SchemaError((*place, str(surplus[0])), "is unknown")
        case jsonschema_rs.ValidationErrorKind.PropertyNames(error=inner):
            return SchemaError((*place, str(inner.instance)), "is not an id of the right form")
        case _:
            return SchemaError(place, error.message)


def embedded(schema: str) -> dict[str, Any]:
    """A schema to stand inside another document: what it defines stands where it is used."""
    whole = _read(schema)
    found: dict[str, Any] = _resolved(whole, whole.get("$defs", {}))
    return {name: part for name, part in found.items() if not name.startswith("$")}


def _resolved(part: Any, defined: Any) -> Any:
    if isinstance(part, list):
        return [_resolved(each, defined) for each in part]
    if not isinstance(part, dict):
        return part
    members = {n: _resolved(each, defined) for n, each in part.items() if n != "$ref"}
    return _referred(part["$ref"], defined) | members if "$ref" in part else members


def _referred(reference: str, defined: Any) -> Any:
    """What a `$ref` points to: a schema of ours, or a part of the same one."""
    if reference.startswith(_OURS):
        return embedded(reference.removeprefix(_OURS))
    return _resolved(defined[reference.removeprefix("#/$defs/")], defined)


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    text = _read(_TEXT)
    registry = jsonschema_rs.Registry([("urn:policies:text", text)])
    return jsonschema_rs.validator_for(_read(name), registry=registry)


def _read(name: str) -> dict[str, object]:
    path = files("policies") / "data" / "schema" / f"{name}.schema.json"
    schema: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return schema
