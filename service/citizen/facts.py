"""Attributes as pages show them: value, source and age, or why there is no value to see."""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from audit.unit_of_work import UnitOfWork
from consent.decisions import decide_self_access
from policies.canonical import canonical_json
from policies.catalogue import Catalogue
from policies.entries import Attribute, Dataset, Source
from policies.facts import Fact
from policies.ids import AttributeId, PersonId
from policies.vocabulary import Label, LevelOfAssurance
from service.model import Session
from vault.model import Holding
from vault.release import release
from vault.vault import Vault


class State(StrEnum):
    """What can be seen of an attribute."""

    SHOWN = "shown"
    MASKED = "masked"
    """Sensitive, and nobody has asked to see it."""
    STEP_UP = "step-up"
    """Shown only to somebody who has signed in more strongly."""
    NOT_HELD = "not-held"


@dataclass(frozen=True, slots=True)
class Shown:
    """One attribute on a page. A masked one carries no value at all."""

    attribute: Attribute
    dataset: Dataset
    state: State
    fact: Fact | None = field(default=None, repr=False)
    source: Source | None = None

    @property
    def protected(self) -> bool:
        return self.fact is not None and Label.PROTECTED in self.fact.labels

    @property
    def labels(self) -> frozenset[Label]:
        return self.fact.labels if self.fact else self.attribute.labels


@dataclass(frozen=True, slots=True)
class Visible:
    """What this session may see of what is asked, before anything is opened."""

    catalogue: Catalogue
    loa: LevelOfAssurance
    reveal: bool
    """The person asked to see the sensitive ones."""

    def state(self, attribute: Attribute) -> State:
        if self.loa < self.catalogue.dataset(attribute.dataset).min_loa:
            return State.STEP_UP
        return State.MASKED if attribute.sensitive and not self.reveal else State.SHOWN


def see(
    uow: UnitOfWork,
    vault: Vault,
    session: Session,
    attributes: Collection[AttributeId],
    *,
    reveal: bool,
) -> list[Shown]:
    """Open what this session may see of the person's own attributes; recorded as `data.viewed`."""
    visible = Visible(vault.catalogue, session.loa, reveal)
    states = {id_: visible.state(vault.catalogue.attribute(id_)) for id_ in attributes}
    opened = _open(uow, vault, session.person, [a for a, s in states.items() if s is State.SHOWN])
    return [_shown(vault.catalogue, id_, state, opened.get(id_)) for id_, state in states.items()]


def by_dataset(shown: Iterable[Shown]) -> list[tuple[Dataset, list[Shown]]]:
    """Grouped by data set, in the order of their first attribute."""
    in_order = list(shown)
    first = {each.dataset.id: place for place, each in reversed(list(enumerate(in_order)))}
    ordered = sorted(in_order, key=lambda each: first[each.dataset.id])
    return [
        (members[0].dataset, members)
        for _, group in groupby(ordered, key=lambda each: each.dataset.id)
        for members in [list(group)]
    ]


def versions_digest(holdings: Iterable[Holding], attributes: Collection[AttributeId]) -> str:
    """Which versions are held: differs when a source has stated something new meanwhile."""
    versions = [
        [each.attribute, each.source, each.version]
        for each in holdings
        if each.attribute in attributes
    ]
    return hashlib.sha256(canonical_json(versions)).hexdigest()


def _open(
    uow: UnitOfWork, vault: Vault, person: PersonId, attributes: list[AttributeId]
) -> dict[AttributeId, Fact]:
    if not attributes:
        return {}
    released = release(uow, vault, decide_self_access(uow, person, attributes))
    return {fact.attribute: fact for fact in released.facts}


def _shown(catalogue: Catalogue, id_: AttributeId, state: State, fact: Fact | None) -> Shown:
    attribute = catalogue.attribute(id_)
    if state is State.SHOWN and fact is None:
        state = State.NOT_HELD
    source = catalogue.source(fact.source) if fact else None
    return Shown(attribute, catalogue.dataset(attribute.dataset), state, fact, source)
