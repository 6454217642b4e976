"""Joining two records of one person: proposed at the machine, approved by two operators.

Who sits at the machine is known as nobody in particular, so a proposal counts for no approval.
An approval is that of a person who has signed in with the role, and two different ones are needed:
the second carries it out, in the same unit of work. Whom it is about cannot approve it.
"""

from dataclasses import replace

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from policies.ids import EventId, PersonId
from policies.vocabulary import Role
from service.proposal import Outcome, Proposal
from service.roles import roles_of
from service.store import merging as store
from service.store import sessions
from vault.merging import SamePersonError, merge_people
from vault.names import is_known
from vault.people import UnknownPersonError
from vault.principals import OtherKindError, kind_of
from vault.vault import Vault


class StaffMergeError(ValueError):
    """The other record has a role here, which would be left to nobody."""


class NotOpenError(LookupError):
    """There is no such proposal, or it has been decided, or its time is over."""


class SameOperatorError(ValueError):
    """This operator has approved it before; the second approval is another one's."""


class OwnMergeError(ValueError):
    """The operator is the person whom it is about."""


def propose(uow: UnitOfWork, *, first: PersonId, other: PersonId, reference: str) -> Proposal:
    """Propose it; both people's logs tell of it.

    Raises SamePersonError, UnknownPersonError, OtherKindError and StaffMergeError.
    """
    if first == other:
        raise SamePersonError
    for person in (first, other):
        if not is_known(uow.connection, person):
            raise UnknownPersonError(person)
    if kind_of(uow.connection, first) is not kind_of(uow.connection, other):
        raise OtherKindError
    if roles_of(uow.connection, other) != {Role.CITIZEN}:
        raise StaffMergeError
    made = Proposal(
        number=store.next_number(uow.connection),
        first=first,
        other=other,
        reference=reference,
        proposed_at=uow.now,
        approved_by=None,
        decided_at=None,
        outcome=None,
    )
    store.add(uow.connection, made, _tell(uow, made, Kind.MERGE_PROPOSED))
    return made


def approve(uow: UnitOfWork, vault: Vault, number: int, operator: PersonId) -> Proposal:
    """Approve it; the second approval carries it out and ends the other's sessions.

    The unit of work is about everyone. Raises NotOpenError, OwnMergeError, SameOperatorError,
    StaffMergeError and UnknownPersonError.
    """
    found = _open(uow, number, operator)
    if found.approved_by == operator:
        raise SameOperatorError
    event_id = _tell(uow, found, Kind.MERGE_APPROVED)
    if found.approved_by is None:
        store.approve(uow.connection, number, operator, event_id)
        return found
    if roles_of(uow.connection, found.other) != {Role.CITIZEN}:
        raise StaffMergeError
    merge_people(uow, vault, first=found.first, other=found.other)
    sessions.delete_of_person(uow.connection, found.other)
    _decide(uow, number, operator, Outcome.MERGED, event_id)
    return found


def reject(uow: UnitOfWork, number: int, operator: PersonId) -> Proposal:
    """Reject it; one operator is enough. Raises NotOpenError and OwnMergeError."""
    found = _open(uow, number, operator)
    _decide(uow, number, operator, Outcome.REJECTED, _tell(uow, found, Kind.MERGE_REJECTED))
    return found


def proposals(connection: Connection, *, limit: int = 50) -> list[Proposal]:
    """The newest proposals, those that have ended too."""
    return store.newest(connection, limit)


def _open(uow: UnitOfWork, number: int, operator: PersonId) -> Proposal:
    found = store.lock(uow.connection, number)
    if found is None or not found.is_open(uow.now):
        raise NotOpenError
    if operator in {found.first, found.other}:
        raise OwnMergeError
    return found


def _decide(
    uow: UnitOfWork, number: int, operator: PersonId, outcome: Outcome, event_id: EventId
) -> None:
    store.decide(uow.connection, number, operator, outcome, now=uow.now, event_id=event_id)


def _tell(uow: UnitOfWork, proposal: Proposal, kind: Kind) -> EventId:
    """In the logs of both; the event of the first one accounts for the row."""
    about = Event(
        kind=kind,
        subject=proposal.first,
        case=proposal.reference,
        reference=str(proposal.number),
    )
    uow.record(replace(about, subject=proposal.other))
    return uow.record(about)
