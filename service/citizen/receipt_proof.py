"""The place of a receipt's event in the log, as its page tells it and its file proves it."""

from dataclasses import dataclass

from audit.checkpoint import Checkpoint
from audit.event_document import event_document
from audit.event_proof import EventProof
from audit.merkle import ProofError
from audit.note import split_note
from audit.reader import own
from audit.seal import SealedEventError
from audit.tlog_proof import TlogProof
from audit.tree import TreeDamagedError
from consent.model import Receipt
from consent.receipt_check import FIELDS
from service.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Place:
    """Where the log holds the event."""

    log: str
    index: int
    size: int
    """Of the signed tree that shows it."""

    @classmethod
    def of(cls, proof: EventProof) -> "Place":
        """The place that the proof is about."""
        parsed = TlogProof.parse(proof.proof)
        checkpoint = Checkpoint.parse(split_note(parsed.checkpoint)[0])
        return cls(checkpoint.origin, parsed.index, checkpoint.size)


def proof_of(runtime: Runtime, found: Receipt) -> EventProof | None:
    """The proof of the event that the receipt names; None while it waits for its place, and where
    the log does not give one any more: the page of the line in the log says what is wrong."""
    with runtime.ledger.read(found.person) as connection:
        try:
            return event_document(
                connection,
                runtime.ledger,
                found.event_id,
                may_open=own(found.person),
                fields=FIELDS,
            )
        except (SealedEventError, TreeDamagedError, ProofError):
            return None
