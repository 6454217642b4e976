"""Acts that one operator alone may not do: one proposes, another approves, and then it is done.

Stopping or ending a declaration, and everything by which a program shows who it is. The second
approval does it, in the same unit of work, so nothing is approved that then does not happen.
"""

import hashlib
import json
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from audit.model import Event, Kind
from audit.unit_of_work import UnitOfWork
from consent.client_metadata import parse_keys, parse_metadata
from consent.clients import (
    ClientStatus,
    ClientSuspendedError,
    UnknownClientError,
    client,
    register_client,
    replace_keys,
    suspend_client,
)
from consent.declarations import declared, resume, retire, suspend
from consent.declared import Act, DeclarationKind, Declared
from policies.canonical import canonical_json
from policies.catalogue import Catalogue
from policies.ids import ClientId, EventId, PersonId
from service.proposed_act import ActKind, ActOutcome, ProposedAct
from service.store import acts as store

NEEDS_TWO: Mapping[Act, ActKind] = {
    Act.SUSPEND: ActKind.SUSPEND_DECLARATION,
    Act.RESUME: ActKind.RESUME_DECLARATION,
    Act.RETIRE: ActKind.RETIRE_DECLARATION,
}
"""What two operators decide of a declaration beside its approval."""


class ActNotOpenError(LookupError):
    """There is no such proposal, or it has been decided, or its time is over."""


class ActProposedError(ValueError):
    """The same waits already for a second operator."""


class OwnActError(ValueError):
    """Whoever proposed it cannot approve it."""


class UnseenContentError(ValueError):
    """The declaration says something else than what the operator has seen of it."""


def propose(
    uow: UnitOfWork, what: ActKind, subject: str, *, by: PersonId, members: object = None
) -> ProposedAct:
    """Propose it; nothing is done yet. Raises ActProposedError."""
    waiting = store.open_of(uow.connection, what, subject)
    if any(each.is_open(uow.now) for each in waiting):
        raise ActProposedError
    document = b"" if members is None else canonical_json(members)
    made = ProposedAct(
        number=store.next_number(uow.connection),
        what=what,
        subject=subject,
        document=document,
        digest=hashlib.sha256(document).hexdigest(),
        proposed_by=by,
        proposed_at=uow.now,
    )
    store.add(uow.connection, made, _tell(uow, made, Kind.ACT_PROPOSED))
    return made


def propose_client(uow: UnitOfWork, metadata: Mapping[str, object], *, by: PersonId) -> ProposedAct:
    """Propose to register a client. Raises ClientMetadataError and ActProposedError."""
    said = parse_metadata(metadata)
    subject = said.id or f"new:{said.organisation}"
    return propose(uow, ActKind.REGISTER_CLIENT, subject, by=by, members=dict(metadata))


def propose_keys(
    uow: UnitOfWork, client_id: ClientId, jwks: object, *, by: PersonId
) -> ProposedAct:
    """Propose other keys for a client, in the place of all that it has.

    Raises UnknownClientError, ClientMetadataError and ActProposedError.
    """
    found = client(uow.connection, client_id)
    if found is None:
        raise UnknownClientError(client_id)
    parse_keys(jwks, found.answer_seal)
    return propose(uow, ActKind.REPLACE_CLIENT_KEYS, client_id, by=by, members=jwks)


def propose_suspension(uow: UnitOfWork, client_id: ClientId, *, by: PersonId) -> ProposedAct:
    """Propose to stop a client.

    Raises UnknownClientError, ClientSuspendedError and ActProposedError.
    """
    found = client(uow.connection, client_id)
    if found is None:
        raise UnknownClientError(client_id)
    if found.status is ClientStatus.SUSPENDED:
        raise ClientSuspendedError(client_id)
    return propose(uow, ActKind.SUSPEND_CLIENT, client_id, by=by)


def approve(uow: UnitOfWork, number: int, catalogue: Catalogue, *, by: PersonId) -> ProposedAct:
    """Approve it, and so do it. Raises ActNotOpenError, OwnActError, and what doing it raises."""
    found = _open(uow, number)
    if found.proposed_by == by:
        raise OwnActError
    event_id = _tell(uow, found, Kind.ACT_APPROVED)
    _DO[found.what](uow, found, catalogue)
    _decide(uow, number, by, ActOutcome.DONE, event_id)
    return found


def reject(uow: UnitOfWork, number: int, *, by: PersonId) -> ProposedAct:
    """Reject it; one operator is enough, also the one who proposed it. Raises ActNotOpenError."""
    found = _open(uow, number)
    _decide(uow, number, by, ActOutcome.REJECTED, _tell(uow, found, Kind.ACT_REJECTED))
    return found


def proposed(connection: Connection, *, limit: int = 50) -> list[ProposedAct]:
    """The newest proposals, those that have ended too."""
    return store.newest(connection, limit)


def _open(uow: UnitOfWork, number: int) -> ProposedAct:
    found = store.lock(uow.connection, number)
    if found is None or not found.is_open(uow.now):
        raise ActNotOpenError
    return found


def _decide(
    uow: UnitOfWork, number: int, operator: PersonId, outcome: ActOutcome, event_id: EventId
) -> None:
    store.decide(uow.connection, number, operator, outcome, now=uow.now, event_id=event_id)


def _tell(uow: UnitOfWork, act: ProposedAct, kind: Kind) -> EventId:
    """What is to be done, to what and with what; the number tells which proposal it is."""
    return uow.record(
        Event(
            kind=kind,
            reason=act.what,
            reference=f"{act.number}:{act.subject}",
            digest=act.digest if act.document else None,
        )
    )


def _declared(uow: UnitOfWork, act: ProposedAct, catalogue: Catalogue) -> Declared:
    kind, _, rest = act.subject.partition(":")
    id_, _, version = rest.partition("@")
    return declared(uow, DeclarationKind(kind), id_, int(version), catalogue)


def _members(act: ProposedAct) -> dict[str, object]:
    members: dict[str, object] = json.loads(act.document)
    return members


_DO: Mapping[ActKind, Callable[[UnitOfWork, ProposedAct, Catalogue], object]] = {
    ActKind.SUSPEND_DECLARATION: lambda uow, act, of: suspend(uow, _declared(uow, act, of)),
    ActKind.RESUME_DECLARATION: lambda uow, act, of: resume(uow, _declared(uow, act, of)),
    ActKind.RETIRE_DECLARATION: lambda uow, act, of: retire(uow, _declared(uow, act, of)),
    ActKind.REGISTER_CLIENT: lambda uow, act, of: register_client(uow, _members(act), of),
    ActKind.REPLACE_CLIENT_KEYS: lambda uow, act, _: replace_keys(
        uow, ClientId(act.subject), _members(act)
    ),
    ActKind.SUSPEND_CLIENT: lambda uow, act, _: suspend_client(uow, ClientId(act.subject)),
}
