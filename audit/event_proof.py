"""One event with its proof, for the person or agency that it concerns. Pure.

A JSON document: the event's id and digests, the disclosures that this reader may open, the entry
that the log holds for it, and the proof (`.tlog-proof`) that the entry stands in the log. Whoever
has it needs nothing from us to check it, and can show it to others.
"""

import base64
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit.disclosure import FieldValue
from audit.faults import BundleError, Fault
from audit.merkle import ProofError
from audit.note import Verifier
from audit.shards import log_of
from audit.tlog_proof import TlogProof, TlogProofError
from audit.trust import Signed, Trust
from audit.verify_checkpoint import read_checkpoint
from audit.verify_event import check_digests, disclosed_fields, entry_of

FORMAT = "consent-vault/event-proof/v1"
_MEMBERS = {"format", "event_id", "log", "digests", "disclosures", "entry", "proof"}
_LONGEST = 1_000_000


class EventProofError(ValueError):
    """A text that is not such a document."""


@dataclass(frozen=True, slots=True)
class EventProof:
    """An event, what this reader may open of it, and the proof that it stands in the log."""

    event_id: UUID
    log: str
    digests: tuple[bytes, ...]
    disclosures: tuple[str, ...]
    entry: str
    proof: str

    def __str__(self) -> str:
        members = {
            "format": FORMAT,
            "event_id": str(self.event_id),
            "log": self.log,
            "digests": [base64.b64encode(each).decode("ascii") for each in self.digests],
            "disclosures": list(self.disclosures),
            "entry": self.entry,
            "proof": self.proof,
        }
        return json.dumps(members, ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def parse(cls, text: str) -> "EventProof":
        """Exactly these members, however they are set out. Raises EventProofError."""
        if len(text) > _LONGEST:
            raise EventProofError("too long")
        try:
            members = json.loads(text, object_pairs_hook=_members)
        except (ValueError, RecursionError) as error:
            raise EventProofError("not JSON with each member once") from error
        if not isinstance(members, dict) or members.get("format") != FORMAT:
            raise EventProofError("not a document of this format")
        if set(members) != _MEMBERS:
            raise EventProofError("other members than the format has")
        return _parsed(members)


@dataclass(frozen=True, slots=True)
class ProvenEvent:
    """What the document proves."""

    signed: Signed
    event_id: UUID
    index: int
    fields: dict[str, FieldValue]
    """What the disclosures tell of the event."""


def verify_event_proof(
    proof: EventProof, trust: Trust, *, file: str, offered: Collection[Verifier] = ()
) -> ProvenEvent:
    """That the event stands in the log as it is told here. Raises BundleError."""
    check_digests(proof.digests, file, None)
    entry = entry_of(proof.event_id, proof.digests)
    if entry != proof.entry.encode():
        raise BundleError(Fault.COMMITMENT, file)
    fields = disclosed_fields(proof.disclosures, proof.digests, file, None)
    index, signed = verify_entry(proof.proof, entry, trust, file=file, offered=offered)
    if log_of(signed.checkpoint.origin) != proof.log:
        raise BundleError(Fault.OTHER_LOG, file)
    return ProvenEvent(signed, proof.event_id, index, fields)


def verify_entry(
    proof: str, entry: bytes, trust: Trust, *, file: str, offered: Collection[Verifier] = ()
) -> tuple[int, Signed]:
    """Where the entry stands, by its `.tlog-proof`, and under what. Raises BundleError."""
    try:
        parsed = TlogProof.parse(proof)
    except TlogProofError as error:
        raise BundleError(Fault.PROOF_FORM, file) from error
    signed = read_checkpoint(parsed.checkpoint, file, trust, offered=offered)
    try:
        parsed.verify(entry, signed.checkpoint)
    except ProofError as error:
        raise BundleError(Fault.PROOF, file, parsed.index) from error
    return parsed.index, signed


def _parsed(members: dict[str, Any]) -> EventProof:
    texts = [members[name] for name in ("event_id", "log", "entry", "proof")]
    lists = [members["digests"], members["disclosures"]]
    if not all(isinstance(each, str) for each in texts):
        raise EventProofError("a member that is no text")
    if not all(isinstance(x, list) and all(isinstance(y, str) for y in x) for x in lists):
        raise EventProofError("a member that is no list of texts")
    try:
        event_id = UUID(members["event_id"])
        digests = tuple(base64.b64decode(each, validate=True) for each in members["digests"])
        "".join(texts).encode()  # JSON can name halves of characters, which no file holds
    except ValueError as error:
        raise EventProofError("an id, a digest or a text that is none") from error
    proof = EventProof(
        event_id,
        members["log"],
        digests,
        tuple(members["disclosures"]),
        members["entry"],
        members["proof"],
    )
    again = [base64.b64encode(each).decode("ascii") for each in digests]
    if str(event_id) != members["event_id"] or again != members["digests"]:
        raise EventProofError("an id or a digest not in its one spelling")
    return proof


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member that stands twice")
    return members
