"""Why a permit did not hold, to the single condition.

Where no policy permits, Cedar itself names none. So each condition of each permit is made a permit
of its own, with the `has` guards before it; whichever is not satisfied has failed.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from policies.rule_form import Body

NO_GROUND = "no-ground"
_BY_FACT = {
    "purpose": "purpose-differs",
    "state": "not-active",
    "notBefore": "not-active",
    "notAfter": "ended",
    "granted": "more-than-accepted",
}
"""The reason code of a condition by the fact of the grant that it asks for."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a permit."""

    permit: str
    place: int
    reason: str
    body: Body
    guards: tuple[int, ...]
    """Places of the conditions before it without which it cannot be asked."""

    @property
    def id(self) -> str:
        """`<permit>#<place>`, counted from 1."""
        return f"{self.permit}#{self.place}"


def explaining(bodies: Mapping[str, Body]) -> Iterator[Condition]:
    """Every condition of every permit, in order."""
    for id_, body in bodies.items():
        if body["effect"] == "permit":
            yield from _conditions(id_, body)


def nearest(conditions: Collection[Condition], satisfied: Collection[str]) -> list[Condition]:
    """The failed conditions of the permit that came nearest: the one of the ground asked for.

    A condition that could not be asked, for lack of what it asks about, has not failed by itself.
    """
    failed: dict[str, list[Condition]] = {each.permit: [] for each in conditions}
    for each in conditions:
        lacking = {one.place for one in failed[each.permit]}
        if each.id not in satisfied and lacking.isdisjoint(each.guards):
            failed[each.permit].append(each)
    return min(failed.values(), key=lambda each: (_is_of_another_ground(each), len(each)))


def _is_of_another_ground(failed: list[Condition]) -> bool:
    """The first condition of each permit is its ground."""
    return any(each.place == 1 for each in failed)


def _conditions(permit: str, body: Body) -> Iterator[Condition]:
    guards: dict[int, dict[str, Any]] = {}
    conjuncts = [one for each in body["conditions"] for one in _conjuncts(each["body"])]
    for place, conjunct in enumerate(conjuncts, start=1):
        conditions = [{"kind": "when", "body": _and([*guards.values(), conjunct])}]
        alone = {**body, "conditions": conditions}
        yield Condition(permit, place, _reason(conjunct), alone, tuple(guards))
        if "has" in conjunct:
            guards[place] = conjunct


def _conjuncts(expression: dict[str, Any]) -> Iterator[dict[str, Any]]:
    both = expression.get("&&")
    if both is None:
        yield expression
        return
    yield from _conjuncts(both["left"])
    yield from _conjuncts(both["right"])


def _and(conjuncts: list[dict[str, Any]]) -> dict[str, Any]:
    first, *rest = conjuncts
    for each in rest:
        first = {"&&": {"left": first, "right": each}}
    return first


def _reason(conjunct: dict[str, Any]) -> str:
    """By the first fact of the grant that it names."""
    named = _facts(conjunct)
    return next((_BY_FACT[fact] for fact in _BY_FACT if fact in named), NO_GROUND)


def _facts(node: object) -> set[str]:
    """The attributes of `context.grant` in an expression."""
    found: set[str] = set()
    if isinstance(node, Mapping):
        for operator in (".", "has"):
            inner = node.get(operator)
            if inner is not None and _is_grant(inner["left"]):
                found.add(inner["attr"])
        for each in node.values():
            found |= _facts(each)
    return found


def _is_grant(node: object) -> bool:
    return node == {".": {"left": {"Var": "context"}, "attr": "grant"}}
