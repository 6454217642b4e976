"""Does the table of decisions notice when a policy is wrong? Mutates the policies and asks it.

`python -m tests.policies.mutation` changes one thing at a time in the Cedar policies, and asks for
each change whether the validator, the rules of form or a case of the table (allowed or not,
and the reason told first) notices. It prints every change that nothing noticed, with the score,
and ends with 1 where the score is below 97 %. It takes some seconds and is part of the tests.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy

from policies.cedar_port import CedarPort
from policies.decision_inputs import DecisionInput, decision_input
from policies.decisions import Decision
from policies.policy_set import PolicySet, load_policy_set
from tests.policies.asking import Case, cases

SCORE_WANTED = 0.97
_OPERATORS = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
    "&&": ("||",),
    "||": ("&&",),
    "containsAll": ("containsAny",),
}
_WORDS = {
    "Basis": ("consent", "permission", "request", "statute", "contract", "vital"),
    "Kind": ("authority", "private"),
    "Standing": ("active", "suspended"),
    "Status": ("approved", "suspended", "retired"),
    "State": ("active", "expired", "withdrawn", "revoked", "suspended", "requested"),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one policy, None where the policy is gone."""

    policy: str
    what: str
    body: dict[str, Any] | None


def mutants(policies: PolicySet) -> Iterator[Mutant]:
    """Every change of every policy."""
    for name, body in policies.bodies.items():
        yield Mutant(name, "left out", None)
        yield from (Mutant(name, what, changed) for what, changed in _changes_of(dict(body)))


def _changes_of(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    other = "permit" if body["effect"] == "forbid" else "forbid"
    yield f"{other} instead", {**body, "effect": other}
    (condition,) = body["conditions"]
    kind = "unless" if condition["kind"] == "when" else "when"
    yield f"{kind} instead", {**body, "conditions": [{**condition, "kind": kind}]}
    yield "without its condition", {**body, "conditions": []}
    for action in ("fetch", "issueToken"):
        narrowed = {"op": "==", "entity": {"type": "Vault::Action", "id": action}}
        if narrowed != body["action"]:
            yield f"for {action} only", {**body, "action": narrowed}
    if body["action"]["op"] == "==":
        yield "for every action", {**body, "action": {"op": "All"}}
    for what, changed in _expressions(condition["body"]):
        yield what, {**body, "conditions": [{**condition, "body": changed}]}


def _expressions(node: Any) -> Iterator[tuple[str, Any]]:
    """Every expression that differs from this one in one place."""
    if isinstance(node, dict):
        yield from _here(node)
        for key, inner in node.items():
            yield from ((what, {**node, key: each}) for what, each in _expressions(inner))
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            for what, each in _expressions(inner):
                yield what, [*node[:place], each, *node[place + 1 :]]


def _here(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for operator, others in _OPERATORS.items():
        if operator in node:
            for other in others:
                yield f"{operator} becomes {other}", {other: node[operator]}
    for operator in ("&&", "||"):
        if operator in node:
            yield f"left of {operator} goes", node[operator]["right"]
            yield f"right of {operator} goes", node[operator]["left"]
    yield from _one_sided(node)


def _one_sided(node: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    if "!" in node:
        yield "! goes", node["!"]["arg"]
    if "containsAll" in node:
        sides = node["containsAll"]
        turned = {"left": sides["right"], "right": sides["left"]}
        yield "containsAll turned round", {"containsAll": turned}
    if "Value" in node:
        yield from _values(node["Value"])


def _values(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield from ((f"{value} becomes {v}", {"Value": v}) for v in (value - 1, value + 1))
    if isinstance(value, dict) and "__entity" in value:
        named = value["__entity"]
        for word in _WORDS.get(named["type"].removeprefix("Vault::"), ()):
            if word != named["id"]:
                changed = {"Value": {"__entity": {**named, "id": word}}}
                yield f"{named['id']} becomes {word}", changed


@dataclass(frozen=True, slots=True)
class Line:
    """A case, and the policies that decide it."""

    asked: DecisionInput
    allowed: bool
    reason: str
    policies: frozenset[str]


class Table:
    """The cases as inputs, and for each policy those that it decides in front."""

    def __init__(self, policies: PolicySet, table: Iterable[Case]) -> None:
        port = CedarPort(policies)
        self._lines = [_line(port, case) for case in table]

    def first_of(self, policy: str) -> list[Line]:
        """All lines; a change of the policy is noticed by the first ones, if by any."""
        return sorted(self._lines, key=lambda line: policy not in line.policies)


def _line(port: CedarPort, case: Case) -> Line:
    asked = decision_input(case.asked, case.data)
    named = port.decide(asked).policies
    return Line(asked, case.allowed, case.reason, frozenset(p.partition("#")[0] for p in named))


def noticed(mutant: Mutant, policies: PolicySet, lines: Sequence[Line]) -> bool:
    """Whether the reading of the policies or a case of the table says no."""
    bodies = {**policies.bodies, mutant.policy: mutant.body}
    kept = {name: body for name, body in bodies.items() if body is not None}
    content = {"staticPolicies": kept, "templates": {}, "templateLinks": []}
    known = {policies.reason(name) for name in policies.bodies}
    try:
        text = cedarpy.policies_from_json_str(json.dumps(content))
        changed = PolicySet.of_texts(text, policies.schema_text, reasons=known)
    except ValueError:
        return True
    port = CedarPort(changed)
    return any(_differs(port.decide(line.asked), line) for line in lines)


def _differs(decision: Decision, line: Line) -> bool:
    return (decision.allowed, decision.reason) != (line.allowed, line.reason)


def survivors() -> tuple[list[Mutant], int]:
    """The changes that nothing noticed, and how many there were."""
    policies = load_policy_set()
    table, found = Table(policies, cases()), list(mutants(policies))
    lines = {policy: table.first_of(policy) for policy in policies.bodies}
    alive = [each for each in found if not noticed(each, policies, lines[each.policy])]
    return alive, len(found)


def main() -> int:
    alive, total = survivors()
    for each in alive:
        print(f"not noticed: {each.policy}: {each.what}")
    score = 1 - len(alive) / total
    print(f"{total - len(alive)} of {total} changes noticed, {score:.1%}")
    return 0 if score >= SCORE_WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
