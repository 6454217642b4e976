"""Is this line of the log what was written, and does it stand in the signed tree?

Answered with the code by which an offline verifier answers it, on the very document that the
person takes home: what her own computer will say of the file is what the page says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from audit.event_document import event_document
from audit.event_proof import EventProof, ProvenEvent, verify_event_proof
from audit.faults import BundleError
from audit.merkle import ProofError
from audit.note import NoteError, NoteVerifier
from audit.own_log import DamagedEntry, OwnEntry, own_entry
from audit.proofs import checkpoints
from audit.reader import own
from audit.seal import SealedEventError
from audit.timestamping import Stamped, timestamps
from audit.tlog_proof import TlogProof
from audit.tree import TreeDamagedError
from audit.trust import Trust
from policies.ids import EventId
from service.api.proofs import NotInLogError
from service.runtime import Runtime
from service.sessions import Session

PLACED_WITHIN = timedelta(minutes=10)
"""A line waits a second or two for its place; one that waits so long has been left out."""
FILE = "proof.json"


class Verdict(StrEnum):
    """What is to be said of a line."""

    PROVEN = "proven"
    QUEUED = "queued"
    LATE = "late"
    RED = "red"


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who has cosigned, by the names of the operator's policy, and when; and who has not."""

    cosigned: Mapping[str, datetime] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A line, the verdict, and what it rests on."""

    entry: OwnEntry
    verdict: Verdict
    document: EventProof | None = None
    vkeys: tuple[str, ...] = ()
    """Keys of the log by which the document is checked."""
    proven: ProvenEvent | None = None
    """What the document proves: only where the verdict is that."""
    signed_at: datetime | None = None
    witnesses: Witnesses = Witnesses()
    stamped: Stamped | None = None
    """The first stamp by an authority outside on a tree that has the line."""


def check_line(runtime: Runtime, session: Session, event_id: EventId) -> Check:
    """Raises NotInLogError: no such line, or one about somebody else."""
    with runtime.ledger.read(session.person) as connection:
        entry = own_entry(connection, runtime.ledger, session.person, event_id, now=runtime.now())
        if entry is None:
            raise NotInLogError
        try:
            document = event_document(
                connection, runtime.ledger, event_id, may_open=own(session.person)
            )
        except (SealedEventError, TreeDamagedError, ProofError):
            return Check(entry, Verdict.RED)
        if document is None:
            return Check(entry, _unplaced(entry, runtime.now()))
        return _verified(connection, runtime, entry, document)


def _unplaced(entry: OwnEntry, now: datetime) -> Verdict:
    if entry.index is not None or isinstance(entry, DamagedEntry):
        return Verdict.RED  # a place is given and signed in one transaction
    return Verdict.LATE if now - entry.at > PLACED_WITHIN else Verdict.QUEUED


def _verified(
    connection: Connection, runtime: Runtime, entry: OwnEntry, document: EventProof
) -> Check:
    log = document.log
    keys = runtime.log_signers.verifiers(log)
    vkeys = tuple(each.vkey for each in keys if isinstance(each, NoteVerifier))
    red = Check(entry, Verdict.RED, document, vkeys)
    try:
        proven = verify_event_proof(document, Trust(), file=FILE, offered=keys)
        witnesses = _witnesses(runtime, TlogProof.parse(document.proof).checkpoint)
    except (BundleError, NoteError):
        return red
    if isinstance(entry, DamagedEntry) or (entry.log, entry.index) != (log, proven.index):
        return red
    signed = proven.signed
    at = checkpoints(connection, log, after=signed.checkpoint.size - 1, limit=1)
    return replace(
        red,
        verdict=Verdict.PROVEN,
        vkeys=tuple(vkey for vkey in vkeys if vkey in signed.log_keys),
        proven=proven,
        signed_at=at[0].at,
        witnesses=witnesses,
        stamped=next(iter(timestamps(connection, log, after=proven.index, limit=1)), None),
    )


def _witnesses(runtime: Runtime, note: bytes) -> Witnesses:
    """Raises NoteError where a witness's signature is wrong."""
    if runtime.log_watch.policy is None:
        return Witnesses()
    verdict = runtime.log_watch.policy.judge(note)
    return Witnesses(verdict.cosigned, verdict.missing)
