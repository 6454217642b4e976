"""What would be decided if a fact were another one, or whatever it were.

A kept question is asked again with some facts changed. A fact that is left open is tried with every
value that it can have: closed sets come from the schema, times are past, present or to come.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from policies.decision_inputs import DecisionInput
from policies.decisions import Decision, DecisionPort

OPEN = "?"
"""Whatever it is."""
GONE = "-"
"""It is not known."""
MOST = 2000
"""How many questions one look may ask."""

_ENUM = re.compile(r"entity (\w+) enum \[([^\]]*)\]")
_WORD = re.compile(r'"([^"]*)"')
_ORDERS = (-1, 0, 1)
_OPTIONAL = {"notBefore": 0, "notAfter": 0, "usesLeft": 1}
_DOMAINS: Mapping[str, Sequence[int]] = {
    **dict.fromkeys(("notBefore", "notAfter", "issued", "expires"), _ORDERS),
    "usesLeft": (0, 1),
    "requiredLoa": (1, 2, 3),
    "minLoa": (1, 2, 3),
}
_TRUTHS = {"yes": True, "no": False}


class WhatIfError(ValueError):
    """A fact that cannot be changed so; `path` names it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is decided when the open facts are these."""

    facts: Mapping[str, str]
    decision: Decision


def outcomes(
    port: DecisionPort, asked: DecisionInput, wishes: Mapping[str, str], schema: str
) -> Iterator[Outcome]:
    """Decide with the wishes: `grant.state` → `withdrawn`, `?` for whatever, `-` for not known.

    Raises WhatIfError.
    """
    words = closed_sets(schema)
    content = {"request": dict(asked.request), "entities": asked.entities}
    for path, value in wishes.items():
        if value != OPEN:
            content = changed(content, path, value)
    free = [path for path, value in wishes.items() if value == OPEN]
    choices = [_values(content, path, words) for path in free]
    if _size(choices) > MOST:
        raise WhatIfError(free[-1], f"too much is left open: more than {MOST} questions")
    for values in product(*choices):
        facts = dict(zip(free, values, strict=True))
        whole = content
        for path, value in facts.items():
            whole = changed(whole, path, value)
        yield Outcome(facts, port.decide(DecisionInput.of_document(whole)))


def closed_sets(schema: str) -> dict[str, tuple[str, ...]]:
    """The words of each enumerated entity of a schema."""
    return {name: tuple(_WORD.findall(words)) for name, words in _ENUM.findall(schema)}


def changed(content: Mapping[str, Any], path: str, value: str) -> dict[str, Any]:
    """The content with one other fact. Raises WhatIfError."""
    new = copy.deepcopy(dict(content))
    whole, name = _place(new, path)
    if value == GONE:
        whole.pop(name, None)
    else:
        whole[name] = _read(path, whole.get(name, _OPTIONAL.get(name)), value)
    return new


def _place(content: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    """The object in which the fact stands, and its name there."""
    first, _, name = path.partition(".")
    context = content["request"]["context"]
    client, data = (each["attrs"] for each in content["entities"])
    whole = {"": context, "client": client, "data": data}.get(first if name else "")
    if name and whole is None:
        whole = context.get(first)
    name = name or first
    if whole is None or (name not in whole and (first != "grant" or name not in _OPTIONAL)):
        raise WhatIfError(path, "there is no such fact")
    return whole, name


def _read(path: str, old: Any, value: str) -> Any:
    """A value of the kind that stands there."""
    if isinstance(old, bool):
        if value not in _TRUTHS:
            raise WhatIfError(path, "is yes or no")
        return _TRUTHS[value]
    if isinstance(old, int):
        if not re.fullmatch(r"-?[0-9]{1,9}", value):
            raise WhatIfError(path, "is a number")
        return int(value)
    if isinstance(old, list):
        return sorted({each for each in value.split(",") if each})
    if "__entity" not in old:
        raise WhatIfError(path, "holds other facts; name one of them")
    return {"__entity": {**old["__entity"], "id": value}}


def _values(
    content: Mapping[str, Any], path: str, words: Mapping[str, Sequence[str]]
) -> Sequence[str]:
    whole, name = _place(dict(content), path)
    old = whole.get(name)
    if isinstance(old, bool):
        return tuple(_TRUTHS)
    if name in _DOMAINS:
        return tuple(map(str, _DOMAINS[name]))
    if isinstance(old, dict) and "__entity" in old:
        found = words.get(old["__entity"]["type"].removeprefix("Vault::"))
        if found is not None:
            return found
    raise WhatIfError(path, "cannot be left open")


def _size(choices: Sequence[Sequence[str]]) -> int:
    size = 1
    for each in choices:
        size *= len(each)
    return size
