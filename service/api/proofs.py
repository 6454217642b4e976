"""Proofs that an event is in the log, to be checked offline by whoever gets them.

`/audit/proof/{event}` gives a `.tlog-proof` (C2SP tlog-proof) to everybody who knows the event's
random id: it holds hashes only and tells nothing of the event. What the event says goes with it in
a document (audit.event_proof) to those whom it concerns: to the person from the pages of her log,
and here to the agency for its own events, as far as it knows what is in them.
"""

from audit.event_document import event_document
from audit.event_proof import EventProof
from audit.model import Kind
from audit.proofs import inclusion, proof_text
from audit.reader import entry, everything
from audit.unit_of_work import UnitOfWork
from consent.tokens import TokenAccess
from policies.ids import EventId
from service.api import refusals
from service.api.protected import AfterCommit, ProtectedResource, token_event
from service.api.tokens import Token
from service.exchange import NO_STORE, Answer, Call
from service.runtime import Runtime

OF_AN_AGENCY = frozenset(
    {"kind", "at", "organisation", "client", "purpose", "basis", "attributes", "case", "request"}
)
"""What an agency said or got itself. Not the person's id here, nor why it was refused: that is hers
to tell, and a reason may say that she is protected."""


class NotInLogError(LookupError):
    """The log has nothing of that name, or not for this reader: the error does not tell which."""


def proof_for_everybody(runtime: Runtime, event_id: EventId) -> str:
    """The `.tlog-proof`. Raises NotInLogError, also while the event waits for its place."""
    with runtime.ledger.read() as connection:
        made = inclusion(connection, runtime.ledger, event_id)
    if made is None:
        raise NotInLogError
    return proof_text(made)


def document_for_token(resource: ProtectedResource, call: Call, event_id: EventId) -> Answer:
    """One of the client's own events, with what the client knows of it."""
    ledger = resource.server.runtime.ledger

    def effect(uow: UnitOfWork, token: TokenAccess, _token: Token) -> AfterCommit:
        found = entry(uow.connection, ledger, event_id)
        made = None
        if found is not None and found.get("client") == token.client:
            made = event_document(
                uow.connection, ledger, event_id, may_open=everything, fields=OF_AN_AGENCY
            )
        reason = None if made is not None else "not-in-log"
        uow.record(token_event(token, Kind.LOG_SEARCHED, reason, reference=str(event_id)))
        return lambda: refusals.not_in_log() if made is None else _answer(made)

    return resource.answer(call, "proof", effect)


def _answer(document: EventProof) -> Answer:
    headers = [(b"content-type", b"application/json"), NO_STORE]
    return Answer(200, str(document).encode(), headers)
