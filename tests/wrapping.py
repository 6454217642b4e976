"""A key wrapper for tests: AES-256-GCM under a key that lives in memory."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class MemoryWrapper:
    """Satisfies `audit.keys.KeyWrapper`."""

    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(256))

    def wrap(self, key: bytes, context: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, key, context)

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        return self._cipher.decrypt(blob[:12], blob[12:], context)

    def wrapped_under(self, _blob: bytes) -> str:
        return "memory:1"
