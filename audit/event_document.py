"""An event with its proof, made for one reader: what she may open of it, and no more."""

from collections.abc import Collection

from sqlalchemy import Connection

from audit.disclosure import field_of
from audit.event_proof import EventProof
from audit.proofs import inclusion, proof_text
from audit.reader import MayOpen, disclosures
from audit.unit_of_work import Ledger
from audit.verify_event import entry_of
from policies.ids import EventId


def event_document(
    connection: Connection,
    ledger: Ledger,
    event_id: EventId,
    *,
    may_open: MayOpen,
    fields: Collection[str] | None = None,
) -> EventProof | None:
    """The document; None while the event waits for its place, or is unknown.

    `may_open` says under whose keys the reader may open, `fields` which of what opens she gets:
    all when it is None. What is left out looks like what the event does not have.
    """
    proof = inclusion(connection, ledger, event_id)
    found = disclosures(connection, ledger, event_id, may_open=may_open)
    if proof is None or found is None:
        return None
    shown = (e for e in found.disclosures if fields is None or field_of(e)[0] in fields)
    return EventProof(
        event_id,
        proof.log,
        found.digests,
        tuple(shown),
        entry_of(event_id, found.digests).decode("ascii"),
        proof_text(proof),
    )
