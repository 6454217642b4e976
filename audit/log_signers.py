"""The log's own keys: one set for all its half-yearly logs, each under its own origin.

The origin of a log is `<base>/<log>`, for example `vault.example/audit/2026h2`, and the origin is
the name of the keys that sign it (C2SP tlog-checkpoint). Every key signs every checkpoint: one
line by each Ed25519 key (type 0x01, which a public or witnessed log must carry: C2SP tlog-tiles)
and one by each ML-DSA-44 key (type 0x06). There is more than one of a kind only while keys rotate.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from audit.checkpoint import Checkpoint, CheckpointError
from audit.cosignature import MlDsaCosignatureVerifier, MlDsaCosigner
from audit.note import NoteSigner, NoteVerifier, Verifier, sign_note
from audit.shards import origin_of

PublicKey = Ed25519PublicKey | MLDSA44PublicKey


class LogSigners:
    """Signs checkpoints with all of the log's keys, newest first. Its repr hides the keys."""

    def __init__(
        self,
        base_origin: str,
        ed25519: Sequence[Ed25519PrivateKey],
        ml_dsa: Sequence[MLDSA44PrivateKey] = (),
        *,
        retired: Sequence[PublicKey] = (),
    ) -> None:
        if not ed25519:
            raise ValueError("a log signs with an Ed25519 key at least")
        self.base_origin = base_origin
        self._ed25519 = tuple(ed25519)
        self._ml_dsa = tuple(ml_dsa)
        self._retired = tuple(retired)

    def __repr__(self) -> str:
        return f"LogSigners({self.base_origin!r}, {len(self._ed25519)} + {len(self._ml_dsa)} keys)"

    @property
    def base_signers(self) -> tuple[NoteSigner, ...]:
        """The Ed25519 keys under the base origin: for what belongs to no single log."""
        return tuple(NoteSigner(self.base_origin, key) for key in self._ed25519)

    def origin(self, log: str) -> str:
        """The name of one half-yearly log."""
        return origin_of(self.base_origin, log)

    def sign(self, log: str, text: str, now: datetime) -> bytes:
        """The note of a checkpoint of this log. Raises CheckpointError for any other text."""
        if Checkpoint.parse(text).origin != self.origin(log):
            raise CheckpointError("checkpoint of another log")
        note = sign_note(text, self.note_signers(log))
        at = int(now.timestamp())
        lines = (cosigner.cosign(text, at) for cosigner in self._cosigners(log))
        return note + "".join(lines).encode()

    def note_signers(self, log: str) -> tuple[NoteSigner, ...]:
        """The Ed25519 keys under the origin of one log."""
        return tuple(NoteSigner(self.origin(log), key) for key in self._ed25519)

    def verifiers(self, log: str) -> tuple[Verifier, ...]:
        """All keys that may have signed this log's checkpoints, the retired ones included."""
        retired = (_verifier(self.origin(log), key) for key in self._retired)
        return (*self._signing(log), *retired)

    def vkeys(self, log: str) -> tuple[str, ...]:
        """The text of each key that signs this log now."""
        return tuple(each.vkey for each in self._signing(log))

    def retired_vkeys(self, log: str) -> tuple[str, ...]:
        """The text of each key that has signed once, and signs no more."""
        return tuple(_verifier(self.origin(log), key).vkey for key in self._retired)

    def _signing(self, log: str) -> tuple[Verifier, ...]:
        ed25519 = (signer.verifier for signer in self.note_signers(log))
        return (*ed25519, *(cosigner.verifier for cosigner in self._cosigners(log)))

    def _cosigners(self, log: str) -> tuple[MlDsaCosigner, ...]:
        return tuple(MlDsaCosigner(self.origin(log), key) for key in self._ml_dsa)


def _verifier(name: str, key: PublicKey) -> Verifier:
    if isinstance(key, Ed25519PublicKey):
        return NoteVerifier.of(name, key)
    return MlDsaCosignatureVerifier(name, key)
