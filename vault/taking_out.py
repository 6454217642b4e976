"""A copy of everything for the person (GDPR articles 15(3) and 20): what the vault has of her.

With the person locked, so that an erasure comes before all of it or after all of it. The event is
in the same transaction: nothing of the copy may leave before its commit.
"""

from dataclasses import dataclass
from datetime import datetime

from audit.model import Event, Kind
from audit.scope import turn_to
from audit.unit_of_work import UnitOfWork
from consent.decisions import Permit, PermitKind
from policies.ids import EventId
from vault.disputes import disputes_of
from vault.model import Dispute
from vault.people import UnknownPersonError
from vault.store import account as store
from vault.store.account import (
    ErasureKept,
    FormerRecord,
    Identifier,
    Pseudonym,
    Unwanted,
)
from vault.store.locks import lock_person
from vault.vault import Vault
from vault.viewing import Statement, statements

__all__ = [
    "ErasureKept",
    "FormerRecord",
    "Identifier",
    "NotACopyPermitError",
    "Pseudonym",
    "TakenOut",
    "Unwanted",
    "take_out",
]

BY_HERSELF = "own-export"
ON_REQUEST = "export-on-request"


class NotACopyPermitError(RuntimeError):
    """A permit for something else was used to take out a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """What the vault has of the person. It may leave once the unit of work has committed."""

    event_id: EventId
    since: datetime
    statements: tuple[Statement, ...]
    disputes: tuple[Dispute, ...]
    identifiers: tuple[Identifier, ...]
    pseudonyms: tuple[Pseudonym, ...]
    former: tuple[FormerRecord, ...]
    erasures: tuple[ErasureKept, ...]
    unwanted: tuple[Unwanted, ...]


def take_out(uow: UnitOfWork, vault: Vault, permit: Permit) -> TakenOut:
    """Everything about the person, with the permit's attributes in all their versions.

    Raises PermitElsewhereError, NotACopyPermitError, UnknownPersonError, and a SealError.
    """
    permit.require(uow)
    if permit.kind is not PermitKind.COPY:
        raise NotACopyPermitError
    connection, person = uow.connection, permit.person
    turn_to(connection, person)
    if lock_person(connection, person) is None:
        raise UnknownPersonError(person)
    said = statements(uow, vault, permit, whole=True)
    event = Event(
        kind=Kind.DATA_EXPORTED,
        subject=person,
        attributes=tuple(dict.fromkeys(each.fact.attribute for each in said)),
        reason=BY_HERSELF if permit.case is None else ON_REQUEST,
        case=permit.case,
    )
    return TakenOut(
        event_id=uow.record(event),
        since=store.known_since(connection, person),
        statements=said,
        disputes=tuple(disputes_of(connection, person)),
        identifiers=tuple(store.identifiers(connection, person)),
        pseudonyms=tuple(store.pseudonyms(connection, person)),
        former=tuple(store.former_records(connection, person)),
        erasures=tuple(store.erasures(connection, person, now=uow.now)),
        unwanted=tuple(store.unwanted_since(connection, person)),
    )
