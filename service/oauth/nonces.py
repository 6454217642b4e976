"""Nonces for DPoP proofs (RFC 9449 section 8): HMACs of time slots, so nothing is stored."""

import hmac
from datetime import datetime, timedelta

from service.base64url import encode

SLOT = timedelta(minutes=5)
_BYTES = 16


class Nonces:
    """Gives nonces and knows its own: those of this slot and of the one before."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def current(self, now: datetime) -> str:
        return self._of(_slot(now))

    def accepts(self, nonce: object, now: datetime) -> bool:
        if not isinstance(nonce, str) or not nonce.isascii():
            return False
        slot = _slot(now)
        return any(hmac.compare_digest(nonce, self._of(each)) for each in (slot, slot - 1))

    def _of(self, slot: int) -> str:
        label = b"consent-vault/dpop-nonce/1\x00" + str(slot).encode()
        return encode(hmac.digest(self._key, label, "sha256")[:_BYTES])


def _slot(now: datetime) -> int:
    return int(now.timestamp() // SLOT.total_seconds())
