"""What is held, attribute by attribute: what every source says, and what the person disputes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from audit.unit_of_work import UnitOfWork
from consent.decisions import decide_self_access
from policies.entries import Dataset, Organisation, Source
from policies.ids import AttributeId
from service.citizen.facts import Shown, State, Visible, protected_of
from service.model import Session
from vault.disputes import disputes_of
from vault.holdings import describe
from vault.model import Dispute
from vault.vault import Vault
from vault.viewing import Statement, view


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says, and the person's dispute of it while it is open."""

    statement: Statement = field(repr=False)
    source: Source
    organisation: Organisation
    """Which keeps the source, and corrects it."""
    dispute: Dispute | None


@dataclass(frozen=True, slots=True)
class Held:
    """One attribute: what a release would give first, and what each source says."""

    shown: Shown
    said: tuple[Said, ...]

    @property
    def differs(self) -> bool:
        """Whether the sources say different things."""
        return len({each.statement.fact.value for each in self.said}) > 1

    @property
    def disputed(self) -> bool:
        return any(each.dispute for each in self.said)


def look(
    uow: UnitOfWork,
    vault: Vault,
    session: Session,
    attributes: Collection[AttributeId],
    *,
    reveal: bool,
) -> list[Held]:
    """Open what this session may see, from every source; recorded as `data.viewed`."""
    protected = protected_of(vault.catalogue, describe(uow.connection, session.person))
    visible = Visible(vault.catalogue, session.loa, reveal, protected)
    states = {id_: visible.state(vault.catalogue.attribute(id_)) for id_ in attributes}
    wanted = [id_ for id_, state in states.items() if state is State.SHOWN]
    said = _said(uow, vault, session, wanted) if wanted else {}
    return [_held(visible, id_, state, said.get(id_, ())) for id_, state in states.items()]


def by_dataset(held: Iterable[Held]) -> list[tuple[Dataset, list[Held]]]:
    """Grouped by data set, in the order of their first attribute."""
    groups: dict[str, tuple[Dataset, list[Held]]] = {}
    for each in held:
        dataset = each.shown.dataset
        groups.setdefault(dataset.id, (dataset, []))[1].append(each)
    return [*groups.values()]


def said_by(vault: Vault, statement: Statement, open_: Iterable[Dispute]) -> Said:
    """The statement with the source in words."""
    fact = statement.fact
    source = vault.catalogue.source(fact.source)
    found = [each for each in open_ if (each.attribute, each.source) == (fact.attribute, source.id)]
    organisation = vault.catalogue.organisation(source.organisation)
    return Said(statement, source, organisation, found[0] if found else None)


def _said(
    uow: UnitOfWork, vault: Vault, session: Session, attributes: list[AttributeId]
) -> dict[AttributeId, tuple[Said, ...]]:
    viewed = view(uow, vault, decide_self_access(uow, session.person, attributes))
    disputes = disputes_of(uow.connection, session.person)
    open_ = [each for each in disputes if each.outcome is None]
    return {
        id_: tuple(said_by(vault, each, open_) for each in viewed.of(id_)) for id_ in attributes
    }


def _held(visible: Visible, attribute: AttributeId, state: State, said: tuple[Said, ...]) -> Held:
    known = visible.catalogue.attribute(attribute)
    first = said[0] if said else None
    shown = Shown(
        attribute=known,
        dataset=visible.catalogue.dataset(known.dataset),
        state=State.NOT_HELD if state is State.SHOWN and first is None else state,
        fact=first.statement.fact if first else None,
        source=first.source if first else None,
        protected=attribute in visible.protected,
    )
    return Held(shown, said)
