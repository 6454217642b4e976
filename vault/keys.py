"""The port to key providers.

Hierarchy: key-encryption key (never leaves its provider) → a random key for each person, kept
wrapped in our database → a key for each record, derived by the envelope. Person keys are not
remembered: unwrapping costs less than the exposure is worth.
"""

from typing import Protocol

from vault.envelope import SealError

KEY_BYTES = 32


class UnknownKeyError(SealError):
    """Wrapped under a key-encryption key that the provider does not have."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"no key-encryption key {key_id} in this provider")
        self.key_id = key_id


class KeyProvider(Protocol):
    """Holds key-encryption keys and wraps other keys under them (`audit.keys.KeyWrapper` too)."""

    @property
    def key_id(self) -> str:
        """The key-encryption key that wraps now."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """The key, sealed and bound to the context."""
        ...

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        """The key again. Raises a SealError."""
        ...


def wipe(key: bytearray) -> None:
    """Overwrite a key. Copies that the library or the interpreter made are beyond our reach."""
    key[:] = bytes(len(key))
