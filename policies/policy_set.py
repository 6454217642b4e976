"""The policies by which decisions are made, read from `policies/rules/` and checked as a whole.

Policies are in Cedar; the schema is always there, and nothing decides that it does not validate.
The digest of a set is SHA-256 over the canonical JSON of its policies by `@id`: comments, layout
and the order of policies and files do not change it, and every word that decides does.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import cedarpy

from policies.canonical import sha256_hex
from policies.reasons import load_reasons
from policies.rule_form import Body, PolicySetError, check_form
from policies.why_not import explaining

RULES: Traversable = files("policies") / "rules"
SCHEMA = "vault.cedarschema"
MANIFEST = "manifest"
"""Names the digest of the set that was reviewed: an edit of a policy alone does not start."""

__all__ = ["RULES", "PolicySet", "PolicySetError", "load_policy_set"]


@dataclass(frozen=True)
class PolicySet:
    """A set that may decide. Made by `load_policy_set` and `of_texts` only."""

    bodies: Mapping[str, Body]
    """The policies by id, in Cedar's JSON form."""
    schema_text: str = field(repr=False)
    schema: cedarpy.Schema = field(repr=False, compare=False)
    digest: str

    @classmethod
    def of_texts(cls, policies: str, schema: str, *, reasons: Collection[str]) -> "PolicySet":
        """The set in this text. Raises PolicySetError."""
        bodies = _parsed(policies)
        check_form(bodies, reasons)
        handle = _schema(schema)
        found = cedarpy.validate_policies(policies, handle)
        if not found.validation_passed:
            first = found.errors[0]
            name = found.id_annotations_by_policy_id.get(first.policy_id, "")
            raise PolicySetError(name, first.error)
        by_id = {body["annotations"]["id"]: body for body in bodies}
        return cls(by_id, schema, handle, sha256_hex({"policies": by_id, "schema": schema.split()}))

    @cached_property
    def deciding(self) -> cedarpy.PolicySet:
        """The policies, each under its own id."""
        return _compiled(self.bodies)

    @cached_property
    def explaining(self) -> cedarpy.PolicySet:
        """One permit for each condition of each permit: what is not satisfied has failed."""
        return _compiled({each.id: each.body for each in explaining(self.bodies)})

    def reason(self, policy: str) -> str:
        """The reason code of a policy."""
        return str(self.bodies[policy]["annotations"]["reason"])

    def rank(self, policy: str) -> int:
        """Its place among the reasons, the first to be told first."""
        return int(self.bodies[policy]["annotations"]["rank"])


def load_policy_set(folder: Traversable = RULES) -> PolicySet:
    """The set in the folder; PolicySetError at the first fault."""
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".cedar"))
    policies = "\n".join(_text(folder, name) for name in names)
    made = PolicySet.of_texts(policies, _text(folder, SCHEMA), reasons=load_reasons().keys())
    if folder.joinpath(MANIFEST).is_file() and _text(folder, MANIFEST) != f"cedar:{made.digest}\n":
        raise PolicySetError("", f"{MANIFEST} does not name cedar:{made.digest}")
    return made


def _text(folder: Traversable, name: str) -> str:
    try:
        return folder.joinpath(name).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise PolicySetError("", f"{name} cannot be read") from error


def _parsed(policies: str) -> list[dict[str, Any]]:
    try:
        content = json.loads(cedarpy.policies_to_json_str(policies))
    except ValueError as error:
        raise PolicySetError("", f"it is not Cedar: {error}") from error
    if content["templates"] or not content["staticPolicies"]:
        raise PolicySetError("", "it has a template, or no policy at all")
    return list(content["staticPolicies"].values())


def _schema(text: str) -> cedarpy.Schema:
    try:
        return cedarpy.Schema.from_str(text)
    except ValueError as error:
        raise PolicySetError("", f"{SCHEMA} is not a schema: {error}") from error


def _compiled(bodies: Mapping[str, Body]) -> cedarpy.PolicySet:
    content = {"staticPolicies": dict(bodies), "templates": {}, "templateLinks": []}
    return cedarpy.PolicySet.from_json_str(json.dumps(content))
