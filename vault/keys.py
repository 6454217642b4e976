"""Keys in memory: the port to key providers, and the handle that the room works with.

Hierarchy: key-encryption key (never leaves its provider) → a random key for each person, kept
wrapped in our database → a key for each record, derived by the envelope. Person keys are not
remembered: unwrapping costs less than the exposure is worth.
"""

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from policies.catalogue import Catalogue
from policies.ids import PersonId
from vault.envelope import SealError, join_parts

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


class Vault:
    """What the functions of this room work with: keys, the installation's name, the catalogue."""

    __slots__ = ("_index_key", "_provider", "catalogue", "installation")

    def __init__(
        self, *, provider: KeyProvider, index_key: bytes, installation: str, catalogue: Catalogue
    ) -> None:
        if len(index_key) != KEY_BYTES:
            raise ValueError("the index key has 32 bytes")
        self._provider = provider
        self._index_key = index_key
        self.installation = installation
        self.catalogue = catalogue

    def __repr__(self) -> str:
        return f"Vault({self.installation!r}, keys hidden)"

    def blind(self, label: str, *parts: bytes) -> bytes:
        """HMAC-SHA-256 under the index key: finds again what must not stand in a table.

        Without a key every Finnish identity code could be tried within a minute.
        """
        return hmac.digest(self._index_key, join_parts(label.encode(), *parts), "sha256")

    def new_person_key(self, person: PersonId, version: int) -> tuple[bytearray, bytes]:
        """A random key for the person, plain and wrapped. The caller zeroes it with `wipe`."""
        key = os.urandom(KEY_BYTES)
        return bytearray(key), self._provider.wrap(key, self._context(person, version))

    @contextmanager
    def person_key(self, person: PersonId, version: int, wrapped: bytes) -> Iterator[bytearray]:
        """The person's key for the length of the block. Raises a SealError."""
        key = bytearray(self._provider.unwrap(wrapped, self._context(person, version)))
        try:
            yield key
        finally:
            wipe(key)

    def _context(self, person: PersonId, version: int) -> bytes:
        installation = self.installation.encode()
        return join_parts(b"vault/dek/1", installation, person.bytes, version.to_bytes(4, "big"))


def wipe(key: bytearray) -> None:
    """Overwrite a key. Copies that the library or the interpreter made are beyond our reach."""
    key[:] = bytes(len(key))
