"""GET /audit/proof/{event}: that an event is in the log, to be checked offline (C2SP tlog-proof).

It goes to the person the event is about or who did it, to an auditor, and to the agency whose
event it is, which knows the event's number from the header of its answer and shows a token of its
own. A proof holds hashes only; that somebody asks for it is recorded where it is not her own.
"""

from sqlalchemy import Connection

from audit.model import Entry, Event, Kind
from audit.proofs import inclusion, proof_text
from audit.reader import entry
from audit.unit_of_work import UnitOfWork, begin
from consent.tokens import TokenAccess
from policies.ids import EventId
from policies.vocabulary import Role
from service.api import refusals
from service.api.protected import AfterCommit, ProtectedResource, token_event
from service.api.tokens import Token
from service.exchange import NO_STORE, Answer, Call
from service.model import Session
from service.runtime import Runtime

_TEXT = (b"content-type", b"text/plain; charset=utf-8")


class NotInLogError(LookupError):
    """The log has nothing of that name, or not for this reader: the error does not tell which."""


def proof_for_session(runtime: Runtime, session: Session, event_id: EventId) -> Answer:
    """Raises NotInLogError."""
    with runtime.ledger.read() as connection:
        found = entry(connection, runtime.ledger, event_id)
        made = _text(connection, runtime, event_id)
    if found is None or made is None:
        raise NotInLogError
    if not _is_own(session, found):
        if Role.AUDITOR not in session.roles:
            raise NotInLogError
        with begin(runtime.ledger, actor=session.actor, now=runtime.now()) as uow:
            uow.record(Event(kind=Kind.LOG_SEARCHED, reference=str(event_id)))
    return _answer(made)


def proof_for_token(resource: ProtectedResource, call: Call, event_id: EventId) -> Answer:
    """The proof of one of the client's own events."""
    runtime = resource.server.runtime

    def effect(uow: UnitOfWork, token: TokenAccess, _token: Token) -> AfterCommit:
        found = entry(uow.connection, runtime.ledger, event_id)
        own = found is not None and found.get("client") == token.client
        made = _text(uow.connection, runtime, event_id) if own else None
        reason = None if made is not None else "not-in-log"
        uow.record(token_event(token, Kind.LOG_SEARCHED, reason, reference=str(event_id)))
        return lambda: refusals.not_in_log() if made is None else _answer(made)

    return resource.answer(call, "proof", effect)


def _is_own(session: Session, found: Entry) -> bool:
    return found.subject == session.person or found.get("actor") == str(session.actor)


def _text(connection: Connection, runtime: Runtime, event_id: EventId) -> str | None:
    """None while the event waits for its place, which is a fraction of a second."""
    made = inclusion(connection, runtime.ledger, event_id)
    return None if made is None else proof_text(made)


def _answer(text: str) -> Answer:
    return Answer(200, text.encode(), [_TEXT, NO_STORE])
