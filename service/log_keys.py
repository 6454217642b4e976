"""The keys that sign the log: an Ed25519 and an ML-DSA-44 key, and how they are changed.

A change has two steps, so that nobody who knows only one of the keys is ever left without a
signature that verifies. First a new key of each kind is added, and all of them sign; when
everybody has the new public keys, the old ones are retired and only their public halves are kept.
Both steps take effect at the next start of the service, and each comes after its event: a step
that was interrupted has left its trace, and is taken by running it again.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.log_signers import LogSigners, PublicKey
from audit.model import Actor, Event, Kind
from audit.unit_of_work import Ledger, UnitOfWork, begin
from vault.providers.file import KeyFolder
from vault.providers.rotation import RotatedKeys


class RotationUnderWayError(Exception):
    """New keys were added already, and the old ones are not retired yet."""


class NoRotationUnderWayError(Exception):
    """There is one key of each kind, so there is none to retire."""


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The log's keys in a key folder."""

    ed25519: RotatedKeys[Ed25519PrivateKey]
    ml_dsa: RotatedKeys[MLDSA44PrivateKey]

    @classmethod
    def of(cls, folder: KeyFolder) -> "LogKeys":
        """The keys in this folder; they are made on first use."""
        return cls(
            RotatedKeys(folder, "log", "ed25519"),
            RotatedKeys(folder, "log-ml-dsa-44", "ml-dsa-44"),
        )

    def signers(self, base_origin: str) -> LogSigners:
        """What signs this log. Raises KeyFileError and KeyPermissionsError."""
        return LogSigners(
            base_origin,
            self.ed25519.signing(),
            self.ml_dsa.signing(),
            retired=[*self.ed25519.retired(), *self.ml_dsa.retired()],
        )

    def begin_rotation(self, ledger: Ledger, *, actor: Actor, now: datetime) -> None:
        """Add a new key of each kind. Raises RotationUnderWayError."""
        signing = len(self.ed25519.signing()), len(self.ml_dsa.signing())
        if min(signing) > 1:  # one of two: the step before was interrupted, and is taken again
            raise RotationUnderWayError
        ed25519, ml_dsa = self.ed25519.draw(), self.ml_dsa.draw()
        with begin(ledger, actor=actor, now=now) as uow:
            _record(uow, Kind.LOG_KEY_ADDED, ed25519.public_key())
            _record(uow, Kind.LOG_KEY_ADDED, ml_dsa.public_key())
        self.ed25519.add(ed25519)
        self.ml_dsa.add(ml_dsa)

    def end_rotation(self, ledger: Ledger, *, actor: Actor, now: datetime) -> None:
        """Retire all but the newest key of each kind. Raises NoRotationUnderWayError."""
        older: list[PublicKey] = [key.public_key() for key in self.ed25519.signing()[1:]]
        older += [key.public_key() for key in self.ml_dsa.signing()[1:]]
        if not older:
            raise NoRotationUnderWayError
        with begin(ledger, actor=actor, now=now) as uow:
            for key in older:
                _record(uow, Kind.LOG_KEY_RETIRED, key)
        self.ed25519.retire_older()
        self.ml_dsa.retire_older()


def _record(uow: UnitOfWork, kind: Kind, key: PublicKey) -> None:
    uow.record(Event(kind=kind, digest=hashlib.sha256(key.public_bytes_raw()).hexdigest()))
