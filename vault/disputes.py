"""Disputes: the person says of a value that it is not so (GDPR articles 16, 18 and 19).

The correction belongs to the source: it sends the value anew, and nothing is written over here.
Until then the value bears a mark wherever it goes, and if the person wants it so, it goes nowhere
but where the law sends it. Who has got the value is told when a dispute begins and when it ends,
and the source as well.
"""

from sqlalchemy import Connection

from audit.model import Actor, Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.decisions import NotHerselfError
from consent.notice import Told
from policies.ids import AttributeId, DisputeId, PersonId, SourceId, new_uuid
from vault.model import Dispute, DisputeReason, Outcome
from vault.people import UnknownPersonError
from vault.store import disputes as store
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
    _lock(uow, person)
    found = store.disputable(uow.connection, person, attribute, source)
    if found is None:
        raise NothingToDisputeError
    if found.disputed:
        raise AlreadyDisputedError
    dispute_id = DisputeId(new_uuid())
    event = _event(vault, person, attribute, source, Kind.DATA_DISPUTED, reason, dispute_id)
    event_id = uow.record(event)
    opened = Dispute(
        id=dispute_id,
        attribute=attribute,
        source=source,
        record=found.record,
        version=found.version,
        since=found.since,
        reason=reason,
        restricts=restrict,
        opened_at=uow.now,
        opened_event=event_id,
        restated=False,
        outcome=None,
        settled_at=None,
        newest_event=event_id,
    )
    store.add(uow.connection, person, opened)
    tell_of_dispute(uow, vault.catalogue, person, opened, Told.DISPUTED, about=event_id)
    return dispute_id


def settle(
    uow: UnitOfWork, vault: Vault, person: PersonId, dispute_id: DisputeId, outcome: Outcome
) -> Dispute:
    """End a dispute: the mark goes, and whoever has got the value is told how it ended.

    The person takes it back; the source corrects or keeps, and the operator writes that down for
    it. Raises NoSuchDisputeError, also when it has been settled before.
    """
    if (outcome in _BY_THE_PERSON) != (uow.actor == Actor.person(person)):
        raise NotHerselfError
    _lock(uow, person)
    found = store.find(uow.connection, person, dispute_id)
    if found is None or found.outcome is not None:
        raise NoSuchDisputeError
    event_id = uow.record(
        _event(
            vault,
            person,
            found.attribute,
            found.source,
            Kind.DISPUTE_SETTLED,
            outcome,
            dispute_id,
        )
    )
    store.settle(uow.connection, person, found, outcome=outcome, now=uow.now, event_id=event_id)
    what = Told.SETTLED
    tell_of_dispute(uow, vault.catalogue, person, found, what, about=event_id, reason=outcome)
    return found


def disputes_of(connection: Connection, person: PersonId) -> list[Dispute]:
    """The person's disputes, newest first."""
    turn_to(connection, person)
    return store.of_person(connection, person)


def open_disputes(connection: Connection) -> list[tuple[PersonId, Dispute]]:
    """Everybody's open disputes, oldest first; for the operator, who sees no value."""
    return store.open_disputes(connection)


_BY_THE_PERSON = frozenset({Outcome.TAKEN_BACK})


def _lock(uow: UnitOfWork, person: PersonId) -> None:
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
