"""Request limits: how wide a request may be, by who asks on which ground for what.

GDPR article 5(1)(c) and (e): data file `limits.toml`. Too much data is refused with the rule named;
too long or too often is narrowed; what is within the limits and more than usual is marked to the
person, who decides.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from typing import Any

from policies.data_files import DATA, faults_of, read_table
from policies.schemas import text_member
from policies.text import Text

FILE = "limits.toml"


class TooWideError(ValueError):
    """More data is asked for than the rule lets anybody ask for; `rule` is its id."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Measure:
    """How many attributes, for how many days, how many times."""

    attributes: int
    days: int
    uses: int


@dataclass(frozen=True, slots=True)
class Limit:
    """One rule. An empty set of data sets or purposes stands for all of them."""

    id: str
    kinds: frozenset[str]
    grounds: frozenset[str]
    datasets: frozenset[str]
    purposes: frozenset[str]
    law: str
    name: Text
    at_most: Measure
    usual: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """How wide a request is: who asks on which ground, for what, how long and how often."""

    kind: str
    ground: str
    purpose: str
    attributes: Collection[str]
    days: int
    """Days that have begun count."""
    uses: int | None
    """None is any number of times."""


@dataclass(frozen=True, slots=True)
class Held:
    """A request held against the limits: how long and how often it may be."""

    days: int
    uses: int | None
    narrowed: tuple[str, ...]
    """The rules that made it shorter or rarer than was asked."""


def hold(asked: Width, limits: Collection[Limit]) -> Held:
    """The request within the limits. Raises TooWideError."""
    binding = [each for each in limits if _binds(each, asked)]
    for each in binding:
        if len(asked.attributes) > each.at_most.attributes:
            raise TooWideError(each.id)
    days = min([asked.days, *(each.at_most.days for each in binding)])
    uses = _fewest([asked.uses, *(each.at_most.uses for each in binding)])
    return Held(
        days=days,
        uses=uses,
        narrowed=tuple(each.id for each in binding if _narrows(each, asked)),
    )


def unusual(asked: Width, limits: Collection[Limit]) -> tuple[Limit, ...]:
    """The rules by which a request is more than usual, also one from before they were made."""
    return tuple(
        each
        for each in limits
        if _binds(each, asked) and _is_unusual(each, asked, asked.days, asked.uses)
    )


@cache
def request_limits() -> tuple[Limit, ...]:
    """The limits of this installation's data files. Raises CatalogueError."""
    return load_limits()


def load_limits(folder: Traversable = DATA) -> tuple[Limit, ...]:
    """The limits of the folder. Raises CatalogueError."""
    return tuple(_limit(id_, data) for id_, data in read_table(folder, FILE, "limits").items())


def _binds(limit: Limit, asked: Width) -> bool:
    datasets = {each.partition(".")[0] for each in asked.attributes}
    return (
        asked.kind in limit.kinds
        and asked.ground in limit.grounds
        and (not limit.datasets or not limit.datasets.isdisjoint(datasets))
        and (not limit.purposes or asked.purpose in limit.purposes)
    )


def _narrows(limit: Limit, asked: Width) -> bool:
    return asked.days > limit.at_most.days or asked.uses is None or asked.uses > limit.at_most.uses


def _is_unusual(limit: Limit, asked: Width, days: int, uses: int | None) -> bool:
    usual = limit.usual
    often = uses is None or uses > usual.uses
    return len(asked.attributes) > usual.attributes or days > usual.days or often


def _fewest(uses: list[int | None]) -> int | None:
    return min((each for each in uses if each is not None), default=None)


def _limit(id_: str, data: Mapping[str, Any]) -> Limit:
    with faults_of(FILE, id_):
        return Limit(
            id=id_,
            kinds=frozenset(data["kinds"]),
            grounds=frozenset(data["grounds"]),
            datasets=frozenset(data.get("datasets", ())),
            purposes=frozenset(data.get("purposes", ())),
            law=data["law"],
            name=text_member(data, "name"),
            at_most=Measure(**data["at_most"]),
            usual=Measure(**data["usual"]),
        )
