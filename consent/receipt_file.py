"""A receipt as a file to keep: the JWS, and beside it the proof that the log holds its event. Pure.

Flattened JSON serialization (RFC 7515 section 7.2.2). The signature is made in the transaction of
the answer, when the event has no place in the log yet; so the proof stands in the unprotected
header. Nothing is lost by that: a proof is signed by the log, is bound to the receipt by what the
event says (`consent.receipt_check`), and can be renewed under a newer tree without another receipt.
The compact form is the same receipt without the proof.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.event_proof import EventProof, EventProofError
from consent.receipt_jws import ReceiptError
from consent.strict_json import StrictJsonError, parse_strict

MAX_BYTES = 524_288
_MAX_DEPTH = 8
_MEMBERS = {"payload", "protected", "signature", "header"}
_PROOF = "log"


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """A receipt with the proof, where the event has its place already."""

    jws: str
    """In compact form."""
    proof: EventProof | None

    def __str__(self) -> str:
        if self.proof is None:
            return self.jws
        protected, payload, signature = self.jws.split(".")
        members = {
            "payload": payload,
            "protected": protected,
            "signature": signature,
            "header": {_PROOF: json.loads(str(self.proof))},
        }
        return json.dumps(members, ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def parse(cls, data: bytes) -> "ReceiptFile":
        """Either form, strictly: no member twice, none beside the four. Raises ReceiptError."""
        text = data.decode("utf-8", errors="replace").strip()
        if not text.startswith("{"):
            return cls(text, None)
        try:
            members = parse_strict(data, max_bytes=MAX_BYTES, max_depth=_MAX_DEPTH)
        except StrictJsonError as error:
            raise ReceiptError("form") from error
        if not isinstance(members, dict) or set(members) != _MEMBERS:
            raise ReceiptError("form")
        parts = [members[name] for name in ("protected", "payload", "signature")]
        if not all(isinstance(each, str) and "." not in each for each in parts):
            raise ReceiptError("form")
        return cls(".".join(parts), _proof(members["header"]))


def _proof(header: Mapping[str, Any]) -> EventProof:
    if not isinstance(header, dict) or set(header) != {_PROOF}:
        raise ReceiptError("form")
    try:
        return EventProof.parse(json.dumps(header[_PROOF], ensure_ascii=False))
    except EventProofError as error:
        raise ReceiptError("proof-form") from error
