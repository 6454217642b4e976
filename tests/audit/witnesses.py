"""A witness in memory: the real decisions of `audit.witness`, without HTTP and disk."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.checkpoint import Checkpoint
from audit.cosignature import Ed25519Cosigner, MlDsaCosigner
from audit.log_family import FollowedLogs
from audit.log_signers import LogSigners
from audit.note import split_note
from audit.witness import OtherSizeError, WitnessRefusalError, check, cosign, read
from audit.witnessing import WitnessError, WitnessKnowsOtherSizeError


class MemoryWitness:
    """Follows the logs of these signers."""

    def __init__(
        self, name: str, signers: LogSigners, clock: Callable[[], datetime], *, seed: int = 9
    ) -> None:
        self.name = name
        self.cosigners = (
            Ed25519Cosigner(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)),
            MlDsaCosigner(name, MLDSA44PrivateKey.from_seed_bytes(bytes([seed]) * 32)),
        )
        self.verifiers = tuple(each.verifier for each in self.cosigners)
        self.followed = FollowedLogs(signer.verifier for signer in signers.base_signers)
        self.kept: dict[str, bytes] = {}
        self.asked: list[bytes] = []
        self.failure: WitnessError | None = None
        self.answer: Callable[[bytes], bytes] = lambda lines: lines
        self._clock = clock

    def add_checkpoint(self, body: bytes) -> bytes:
        self.asked.append(body)
        if self.failure is not None:
            raise self.failure
        try:
            request = read(body, self.followed)
            origin = request.checkpoint.origin
            check(request, self.known(origin))
        except OtherSizeError as error:
            raise WitnessKnowsOtherSizeError(error.known) from error
        except WitnessRefusalError as error:
            raise WitnessError(str(error)) from error
        made = cosign(request, self.cosigners, int(self._clock().timestamp()))
        self.kept[origin] = made.note
        return self.answer(made.answer)

    def checkpoint(self, origin_hash: str) -> bytes | None:
        if self.failure is not None:
            raise self.failure
        for origin, note in self.kept.items():
            if sha256(origin.encode()).hexdigest() == origin_hash:
                return note
        return None

    def known(self, origin: str) -> Checkpoint | None:
        note = self.kept.get(origin)
        return None if note is None else Checkpoint.parse(split_note(note)[0])

    def size(self, origin: str) -> int | None:
        known = self.known(origin)
        return None if known is None else known.size
