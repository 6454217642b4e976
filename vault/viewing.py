"""The person's own view: what every source says now, and what each has said before.

A recipient gets one value for each attribute (`vault.release`); the person sees all of them with
their provenance, those that do not count too, and what stands against them. Opened on her own
permit only, and recorded as `data.viewed`.
"""

from dataclasses import dataclass
from datetime import datetime

from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.decisions import Permit, PermitKind
from policies.facts import Fact
from policies.ids import AttributeId, EventId
from vault.opening import open_records
from vault.store import history as store
from vault.vault import Vault

HISTORY = "history"


class NotHerOwnPermitError(RuntimeError):
    """A recipient's permit was used for the person's own view."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source said, once."""

    fact: Fact
    version: int
    """Which of this source's versions it is, from 1."""
    received_at: datetime
    counts: bool
    """It is what this source says now."""


@dataclass(frozen=True, slots=True)
class Viewed:
    """What the person may see once the unit of work has committed."""

    event_id: EventId
    statements: tuple[Statement, ...]
    """In the permit's order of attributes; of each the one that a release gives first."""

    def of(self, attribute: AttributeId) -> tuple[Statement, ...]:
        return tuple(each for each in self.statements if each.fact.attribute == attribute)


def view(uow: UnitOfWork, vault: Vault, permit: Permit) -> Viewed:
    """What every source says now about the permit's attributes.

    Raises PermitElsewhereError, NotHerOwnPermitError, and a SealError.
    """
    return _view(uow, vault, permit, whole=False)


def view_history(uow: UnitOfWork, vault: Vault, permit: Permit) -> Viewed:
    """Everything that any source has ever said about the permit's attributes. Raises as `view`."""
    return _view(uow, vault, permit, whole=True)


def statements(
    uow: UnitOfWork, vault: Vault, permit: Permit, *, whole: bool
) -> tuple[Statement, ...]:
    """What every source says about the permit's attributes, in their order, opened.

    For whoever has looked at the permit and records the event of it.
    """
    rows = store.versions(uow.connection, permit.person, permit.attributes, whole=whole)
    stored = {(row.sealed.record, row.sealed.version): row for row in rows}
    opened = open_records(vault, permit.person, (row.sealed for row in rows))
    shown = [
        Statement(fact, row.version, held.received_at, held.counts)
        for row, fact in opened
        for held in [stored[row.record, row.version]]
    ]
    order = {attribute: place for place, attribute in enumerate(permit.attributes)}
    shown.sort(key=_rank, reverse=True)
    shown.sort(key=lambda each: order[each.fact.attribute])
    return tuple(shown)


def _view(uow: UnitOfWork, vault: Vault, permit: Permit, *, whole: bool) -> Viewed:
    permit.require(uow)
    if permit.kind is not PermitKind.SELF:
        raise NotHerOwnPermitError
    turn_to(uow.connection, permit.person)
    shown = statements(uow, vault, permit, whole=whole)
    attributes = tuple(dict.fromkeys(each.fact.attribute for each in shown))
    reason = HISTORY if whole else None
    event = Event(
        kind=Kind.DATA_VIEWED, subject=permit.person, attributes=attributes, reason=reason
    )
    return Viewed(uow.record(event), shown)


def _rank(statement: Statement) -> tuple[object, ...]:
    """As a release ranks the sources; what a source says now comes before what it said once."""
    fact = statement.fact
    return statement.counts, fact.authority, fact.observed_at, fact.source, statement.version
