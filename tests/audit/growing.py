"""A small log in memory that signs its checkpoints and asks to have them cosigned."""

import base64
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.checkpoint import Checkpoint
from audit.log_signers import LogSigners
from audit.merkle import consistency_proof, leaf_hash, node_hash, tree_hash

LOG = "2026h2"
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class GrowingLog:
    """Leaf n is `<name> n`, so that two logs of different names fork at once."""

    def __init__(
        self, name: str = "one", *, base: str = "log.example/audit", seed: int = 1
    ) -> None:
        self.name = name
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._notes: dict[str, bytes] = {}
        self.signers = LogSigners(
            base,
            [Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)],
            [MLDSA44PrivateKey.from_seed_bytes(bytes([seed]) * 32)],
        )
        self.origin = self.signers.origin(LOG)

    def node(self, level: int, index: int) -> bytes:
        if (level, index) not in self._nodes:
            if level == 0:
                made = leaf_hash(f"{self.name} {index}".encode())
            else:
                left, right = self.node(level - 1, 2 * index), self.node(level - 1, 2 * index + 1)
                made = node_hash(left, right)
            self._nodes[level, index] = made
        return self._nodes[level, index]

    def root(self, size: int) -> bytes:
        return tree_hash(self.node, 0, size)

    def note(self, size: int, *, root: bytes | None = None, log: str = LOG) -> bytes:
        """The same note each time, although ML-DSA signs with fresh randomness."""
        text = str(Checkpoint(self.signers.origin(log), size, root or self.root(size)))
        if text not in self._notes:
            self._notes[text] = self.signers.sign(log, text, NOW)
        return self._notes[text]

    def proof(self, old: int, new: int) -> list[str]:
        if old in {0, new}:
            return []
        hashes = consistency_proof(self.node, old, new)
        return [base64.b64encode(each).decode() for each in hashes]

    def request(
        self,
        old: int,
        new: int,
        *,
        proof: Sequence[str] | None = None,
        note: bytes | None = None,
    ) -> bytes:
        """The body of an add-checkpoint request; any part can be another one."""
        lines = self.proof(old, new) if proof is None else proof
        head = "\n".join([f"old {old}", *lines])
        return f"{head}\n\n".encode() + (note or self.note(new))
