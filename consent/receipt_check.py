"""What somebody finds out about a receipt with nothing but the file and two public keys. Pure.

1. The JWS is signed by one of the keys (`consent.receipt_jws`). 2. The record in it has the digest
that it says, and its members are a receipt's. 3. The event that the proof is about is the one that
the receipt names, and it binds this very record: its number, its version and its digest. 4. The
event stands in the signed tree (audit.event_proof). 5. Receipts of one consent follow upon each
other, none left out between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.event_proof import EventProof, ProvenEvent, verify_event_proof
from audit.trust import Trust
from audit.verify_event import disclosed_fields
from consent.receipt_content import ReceiptContent, content_of
from consent.receipt_file import ReceiptFile
from consent.receipt_jws import ReceiptError, digest_of, verify_receipt
from policies.canonical import sha256_hex

FIELDS = frozenset(
    {"kind", "at", "organisation", "consent", "purpose", "basis", "reason", "digest", "policy"}
)
"""What of the event a receipt discloses: what it says itself, and no id that follows the person."""


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """A receipt that is what it says."""

    content: ReceiptContent
    digest: str
    """SHA-256 of the compact form."""
    carries_proof: bool
    proven: ProvenEvent | None
    """None where no proof came with it, or the reader names no key of the log."""


def check_file(data: bytes, jwks: Mapping[str, Any], trust: Trust, *, file: str) -> CheckedReceipt:
    """Check one file. Raises ReceiptError, and BundleError where the log's proof does not hold."""
    found = ReceiptFile.parse(data)
    payload = verify_receipt(found.jws, jwks)
    content = content_of(payload)
    if content.record_digest != sha256_hex(payload["record"]):
        raise ReceiptError("record-digest")
    proven = None
    if found.proof is not None:
        _check_bound(found.proof, content, file)
        if trust.logs:
            proven = verify_event_proof(found.proof, trust, file=file)
    return CheckedReceipt(content, digest_of(found.jws), found.proof is not None, proven)


def check_sequence(receipts: Sequence[CheckedReceipt]) -> None:
    """Receipts of the same consent name the one before them. Raises ReceiptError."""
    last: dict[object, CheckedReceipt] = {}
    for each in sorted(receipts, key=lambda one: one.content.version):
        before = last.get(each.content.record)
        if before is not None and each.content.previous_receipt != before.digest:
            raise ReceiptError("sequence")
        last[each.content.record] = each


def _check_bound(proof: EventProof, content: ReceiptContent, file: str) -> None:
    """The proof could be one of another event, or the event one of another record."""
    said = disclosed_fields(proof.disclosures, proof.digests, file, None)
    record = f"{content.record}@{content.version}"
    names = (proof.event_id, said.get("consent"), said.get("digest"))
    if names != (content.event, record, content.record_digest):
        raise ReceiptError("other-event")
