"""Inclusion proofs as text (C2SP tlog-proof v1, extension `.tlog-proof`): what a receipt holds.

Pure. The text carries index, hashes and the signed checkpoint; the leaf comes from elsewhere.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from audit.checkpoint import Checkpoint
from audit.merkle import HASH_SIZE, leaf_hash, verify_inclusion

_HEADER = "c2sp.org/tlog-proof@v1"
_MAX_HASHES = 63


class TlogProofError(ValueError):
    """A text that is not a proof in canonical form."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """A proof as text: where, the hashes, and the checkpoint's note."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def __str__(self) -> str:
        lines = [_HEADER, f"index {self.index}", *map(_encode, self.hashes), "", ""]
        return "\n".join(lines) + self.checkpoint.decode()

    def verify(self, entry: bytes, checkpoint: Checkpoint) -> None:
        """Raises ProofError unless the entry stands at the index in the checkpoint's tree."""
        verify_inclusion(
            index=self.index,
            size=checkpoint.size,
            leaf=leaf_hash(entry),
            proof=self.hashes,
            root=checkpoint.root,
        )

    @classmethod
    def parse(cls, text: str) -> "TlogProof":
        """Strictly. Raises TlogProofError."""
        head, separator, note = text.partition("\n\n")
        lines = head.split("\n")
        if not separator or lines[0] != _HEADER or len(lines) < 2:
            raise TlogProofError("not a proof")
        if len(lines) - 2 > _MAX_HASHES:
            raise TlogProofError("too many hashes")
        proof = cls(_index(lines[1]), tuple(map(_hash, lines[2:])), note.encode())
        if str(proof) != text:
            raise TlogProofError("not in canonical form")
        return proof


def _index(line: str) -> int:
    number = line.removeprefix("index ")
    if not (number.isascii() and number.isdigit() and len(number) <= 19):
        raise TlogProofError("no index")
    return int(number)


def _hash(line: str) -> bytes:
    try:
        value = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise TlogProofError("not base64") from error
    if len(value) != HASH_SIZE:
        raise TlogProofError("not a SHA-256 hash")
    return value


def _encode(value: Sequence[int] | bytes) -> str:
    return base64.b64encode(bytes(value)).decode("ascii")
