"""The invented people of the demo, and the documents that registers would hold about them.

Identity codes are of the artificial series (individual number 900-999, never given to anybody).
Streets, companies and the postal code 00000 do not exist.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from policies.ids import SourceId
from policies.text import Text
from policies.vocabulary import Role

_SUFFIXES = {
    "vtj.json": SourceId("vtj"),
    "incomes-register.xml": SourceId("incomes-register"),
    "koski.json": SourceId("koski"),
    "prh.json": SourceId("prh"),
    "kanta.json": SourceId("kanta"),
}


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody who does not exist."""

    key: str
    """A short word by which the demo's commands and links name the person."""
    given_names: str
    family_name: str
    identity_code: str = field(repr=False)
    protected: bool
    roles: tuple[Role, ...]
    story: Text

    @property
    def name(self) -> str:
        return f"{self.given_names} {self.family_name}"


@cache
def demo_people() -> tuple[DemoPerson, ...]:
    """All invented people: four citizens, an auditor and an operator."""
    text = _folder().joinpath("people.json").read_text(encoding="utf-8")
    return tuple(_person(entry) for entry in json.loads(text))


def demo_person(key: str) -> DemoPerson:
    """The invented person of this key; `KeyError` when there is none."""
    return {person.key: person for person in demo_people()}[key]


def demo_documents(person: DemoPerson) -> tuple[tuple[SourceId, bytes], ...]:
    """The (source, document) pairs about this person, as the registers would send them."""
    documents = _folder().joinpath("documents")
    found = (
        (source, documents.joinpath(f"{person.key}.{suffix}"))
        for suffix, source in _SUFFIXES.items()
    )
    return tuple((source, file.read_bytes()) for source, file in found if file.is_file())


def _folder() -> Traversable:
    return resources.files("connectors.demo_data")


def _person(entry: Mapping[str, Any]) -> DemoPerson:
    return DemoPerson(
        key=entry["key"],
        given_names=entry["given_names"],
        family_name=entry["family_name"],
        identity_code=entry["identity_code"],
        protected=entry["protected"],
        roles=tuple(Role(role) for role in entry["roles"]),
        story=Text(**entry["story"]),
    )
