"""What a policy may look like beyond what Cedar's own validator asks.

- It names itself, its reason code, its law and its rank among the reasons (`@id`, `@reason`,
  `@law`, `@rank`); id and rank are its own, and the reason has texts in three languages.
- Times are compared with `context.now` and with nothing else: a decision may depend on the order
  of a time to the present only, which is what the facts hand over (`policies.questions.order`).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

Body = Mapping[str, Any]
"""A policy in Cedar's JSON form."""

ANNOTATIONS = frozenset({"id", "reason", "law", "rank"})
TIMES = frozenset({"notBefore", "notAfter", "issued", "expires"})
_NOW = {".": {"left": {"Var": "context"}, "attr": "now"}}
_COMPARISONS = frozenset({"<", "<=", ">", ">="})
_FORMS = {
    "id": re.compile(r"[a-z]+(\.[a-z]+(-[a-z]+)*)+"),
    "reason": re.compile(r"[a-z]+(-[a-z0-9]+)*"),
    "law": re.compile(r"\S.*\S"),
    "rank": re.compile(r"[0-9]{3}"),
}


class PolicySetError(ValueError):
    """Policies that may not decide; names the policy, empty for the whole, and what is wrong."""

    def __init__(self, policy: str, reason: str) -> None:
        super().__init__(f"{policy}: {reason}" if policy else reason)
        self.policy = policy
        self.reason = reason


def check_form(bodies: Collection[Body], reasons: Collection[str]) -> None:
    """Raise PolicySetError at the first policy that has not the form."""
    seen: dict[str, set[str]] = {"id": set(), "rank": set()}
    for body in bodies:
        notes = body.get("annotations", {})
        name = notes.get("id") or ""
        _check_annotations(name, notes)
        for kind, before in seen.items():
            if notes[kind] in before:
                raise PolicySetError(name, f"another policy has the same @{kind}")
            before.add(notes[kind])
        if notes["reason"] not in reasons:
            raise PolicySetError(name, f"the reason {notes['reason']} has no texts")
        _check_times(name, body)


def _check_annotations(name: str, notes: Mapping[str, str | None]) -> None:
    if set(notes) != ANNOTATIONS:
        raise PolicySetError(name, f"its annotations are not {', '.join(sorted(ANNOTATIONS))}")
    for kind, form in _FORMS.items():
        if not form.fullmatch(notes[kind] or ""):
            raise PolicySetError(name, f"@{kind} has not the form of one")


def _check_times(name: str, body: Body) -> None:
    """Each mention of the present or of a time stands in a comparison of the two."""
    for condition in body["conditions"]:
        mentions = sum(1 for node in _nodes(condition) if _is_now(node) or _is_time(node))
        compared = 2 * sum(1 for node in _nodes(condition) if _compares(node))
        if mentions != compared:
            raise PolicySetError(name, "a time is not just compared with context.now")


def _nodes(node: object) -> Iterator[object]:
    yield node
    if isinstance(node, Mapping):
        for each in node.values():
            yield from _nodes(each)
    elif isinstance(node, list):
        for each in node:
            yield from _nodes(each)


def _is_now(node: object) -> bool:
    return node == _NOW


def _is_time(node: object) -> bool:
    return isinstance(node, Mapping) and "." in node and node["."]["attr"] in TIMES


def _compares(node: object) -> bool:
    if not isinstance(node, Mapping):
        return False
    for operator in _COMPARISONS & node.keys():
        left, right = node[operator]["left"], node[operator]["right"]
        return (_is_now(left) and _is_time(right)) or (_is_time(left) and _is_now(right))
    return False
