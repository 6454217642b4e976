"""Disputes: the person says of a value that it is not so (GDPR articles 16, 18 and 19).

The correction belongs to the source: it sends the value anew, and nothing is written over here.
Until then the value bears a mark wherever it goes, and if the person wants it so, it goes nowhere
but where the law sends it. Who has got the value is told when a dispute begins and when it ends,
and the source as well.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.journal_line import dispute_settled, value_disputed
from audit.model import Actor, Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.decisions import NotHerselfError
from consent.notice import Told
from policies.ids import AttributeId, DisputeId, PersonId, SourceId, new_uuid
from vault.model import Dispute, DisputeReason, Outcome
from vault.people import UnknownPersonError
from vault.store import disputes as store
from vault.store.disputes import Disputable
from vault.store.locks import lock_person
from vault.telling import tell_of_dispute
from vault.vault import Vault


class NothingToDisputeError(LookupError):
    """The source holds nothing of that about the person."""


class AlreadyDisputedError(ValueError):
    """The person has disputed it, and that has not been settled."""


class NoSuchDisputeError(LookupError):
    """The person has no open dispute with that id."""


def dispute(
    uow: UnitOfWork,
    vault: Vault,
    person: PersonId,
    *,
    attribute: AttributeId,
    source: SourceId,
    reason: DisputeReason,
    restrict: bool = False,
) -> DisputeId:
    """Mark what the source says about the attribute as disputed, and tell who has got it.

    Only the person herself can. Raises NothingToDisputeError and AlreadyDisputedError.
    """
    if uow.actor != Actor.person(person):
        raise NotHerselfError
    lock(uow, person)
    found = store.disputable(uow.connection, person, attribute, source)
    if found is None:
        raise NothingToDisputeError
    if found.disputed:
        raise AlreadyDisputedError
    said = Said(DisputeId(new_uuid()), reason, restrict, uow.now)
    write_down(uow, vault, person, said, found)
    return said.id


def settle(
    uow: UnitOfWork, vault: Vault, person: PersonId, dispute_id: DisputeId, outcome: Outcome
) -> Dispute:
    """End a dispute: the mark goes, and whoever has got the value is told how it ended.

    The person takes it back; the source corrects or keeps, and the operator writes that down for
    it. Raises NoSuchDisputeError, also when it has been settled before.
    """
    if (outcome in _BY_THE_PERSON) != (uow.actor == Actor.person(person)):
        raise NotHerselfError
    lock(uow, person)
    found = store.find(uow.connection, person, dispute_id)
    if found is None or found.outcome is not None:
        raise NoSuchDisputeError
    write_settlement(uow, vault, person, found, outcome, at=uow.now)
    return found


def disputes_of(connection: Connection, person: PersonId) -> list[Dispute]:
    """The person's disputes, newest first."""
    turn_to(connection, person)
    return store.of_person(connection, person)


def open_disputes(connection: Connection) -> list[tuple[PersonId, Dispute]]:
    """Everybody's open disputes, oldest first; for the operator, who sees no value."""
    return store.open_disputes(connection)


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of a value."""

    id: DisputeId
    reason: DisputeReason
    restricts: bool
    at: datetime


def write_down(
    uow: UnitOfWork, vault: Vault, person: PersonId, said: Said, found: Disputable
) -> None:
    """Open the dispute, of which the journal outside hears too: a restored backup must not let out
    what she has restricted. The person is locked."""
    event_id = uow.record(
        _event(
            vault, person, found.attribute, found.source, Kind.DATA_DISPUTED, said.reason, said.id
        )
    )
    opened = Dispute(
        id=said.id,
        attribute=found.attribute,
        source=found.source,
        record=found.record,
        version=found.version,
        since=found.since,
        reason=said.reason,
        restricts=said.restricts,
        opened_at=said.at,
        opened_event=event_id,
        restated=False,
        outcome=None,
        settled_at=None,
        newest_event=event_id,
    )
    store.add(uow.connection, person, opened)
    blinded = blinded_saying(vault, said.id, said.reason, restricts=said.restricts)
    entry = value_disputed(said.id, person, found.record, blinded, at=said.at)
    uow.tell_outside(entry, may_be_late=True)
    tell_of_dispute(uow, vault.catalogue, person, opened, Told.DISPUTED, about=event_id)


def write_settlement(
    uow: UnitOfWork,
    vault: Vault,
    person: PersonId,
    found: Dispute,
    outcome: Outcome,
    *,
    at: datetime,
) -> None:
    """End the dispute, of which the journal outside hears too. The person is locked."""
    event_id = uow.record(
        _event(
            vault, person, found.attribute, found.source, Kind.DISPUTE_SETTLED, outcome, found.id
        )
    )
    store.settle(uow.connection, person, found, outcome=outcome, now=at, event_id=event_id)
    blinded = blinded_outcome(vault, found.id, outcome)
    uow.tell_outside(dispute_settled(found.id, person, blinded, at=at), may_be_late=True)
    what = Told.SETTLED
    tell_of_dispute(uow, vault.catalogue, person, found, what, about=event_id, reason=outcome)


def blinded_saying(
    vault: Vault, dispute_id: DisputeId, reason: DisputeReason, *, restricts: bool
) -> bytes:
    """What stands outside for what she says: whoever has no key does not learn it."""
    parts = dispute_id.bytes, reason.encode(), bytes([restricts])
    return vault.blind("vault/dispute/1", *parts)


def blinded_outcome(vault: Vault, dispute_id: DisputeId, outcome: Outcome) -> bytes:
    """What stands outside for how it ended."""
    return vault.blind("vault/dispute-outcome/1", dispute_id.bytes, outcome.encode())


_BY_THE_PERSON = frozenset({Outcome.TAKEN_BACK})


def lock(uow: UnitOfWork, person: PersonId) -> None:
    """Let nobody else write about the person. Raises UnknownPersonError."""
    turn_to(uow.connection, person)
    if lock_person(uow.connection, person) is None:
        raise UnknownPersonError(person)


def _event(
    vault: Vault,
    person: PersonId,
    attribute: AttributeId,
    source: SourceId,
    kind: Kind,
    reason: str,
    dispute_id: DisputeId,
) -> Event:
    return Event(
        kind=kind,
        subject=person,
        organisation=vault.catalogue.source(source).organisation,
        attributes=(attribute,),
        reason=reason,
        reference=str(dispute_id),
    )
