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
from vault.holdings import describe
from vault.model import Holding
from vault.release import release
from vault.vault import Vault


class State(StrEnum):
    """What can be seen of an attribute."""

    SHOWN = "shown"
    MASKED = "masked"
    """Sensitive or protected, and nobody has asked to see it."""
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
    protected: bool = False
    """Told to nobody on the ground of an answer: it could lead to a person in danger."""

    @property
    def labels(self) -> frozenset[Label]:
        labels = self.fact.labels if self.fact else self.attribute.labels
        return labels | {Label.PROTECTED} if self.protected else labels


@dataclass(frozen=True, slots=True)
class Visible:
    """What this session may see of what is asked, before anything is opened."""

    catalogue: Catalogue
    loa: LevelOfAssurance
    reveal: bool
    """The person asked to see the hidden ones."""
    protected: frozenset[AttributeId]

    def state(self, attribute: Attribute) -> State:
        if self.loa < self.catalogue.dataset(attribute.dataset).min_loa:
            return State.STEP_UP
        hidden = attribute.sensitive or attribute.id in self.protected
        return State.MASKED if hidden and not self.reveal else State.SHOWN


def see(
    uow: UnitOfWork,
    vault: Vault,
    session: Session,
    attributes: Collection[AttributeId],
    *,
    reveal: bool,
) -> list[Shown]:
    """Open what this session may see of the person's own attributes; recorded as `data.viewed`."""
    protected = protected_of(vault.catalogue, describe(uow.connection, session.person))
    visible = Visible(vault.catalogue, session.loa, reveal, protected)
    states = {id_: visible.state(vault.catalogue.attribute(id_)) for id_ in attributes}
    opened = _open(uow, vault, session.person, [a for a, s in states.items() if s is State.SHOWN])
    return [
        _shown(visible, vault.catalogue.attribute(id_), state, opened.get(id_))
        for id_, state in states.items()
    ]


def protected_of(catalogue: Catalogue, holdings: Collection[Holding]) -> frozenset[AttributeId]:
    """What is held and protected: by a source's mark, or as it tells where a marked person is."""
    marked = {each.attribute for each in holdings if Label.PROTECTED in each.labels}
    if not marked:
        return frozenset()
    contact = {each.attribute for each in holdings if catalogue.attribute(each.attribute).contact}
    return frozenset(marked | contact)


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


def _shown(visible: Visible, attribute: Attribute, state: State, fact: Fact | None) -> Shown:
    catalogue = visible.catalogue
    if state is State.SHOWN and fact is None:
        state = State.NOT_HELD
    return Shown(
        attribute=attribute,
        dataset=catalogue.dataset(attribute.dataset),
        state=state,
        fact=fact,
        source=catalogue.source(fact.source) if fact else None,
        protected=attribute.id in visible.protected,
    )
