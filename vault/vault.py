"""The handle that the functions of this room work with; it holds the keys and shows none."""

import hmac
import os
from collections.abc import Iterator
from contextlib import contextmanager

from policies.catalogue import Catalogue
from policies.ids import PersonId
from vault.envelope import join_parts
from vault.keys import KEY_BYTES, KeyProvider, wipe


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
        return bytearray(key), self._provider.wrap(key, self.key_context(person, version))

    def wrapped_under(self, wrapped: bytes) -> str:
        """The key-encryption key under which a key is wrapped."""
        return self._provider.wrapped_under(wrapped)

    @contextmanager
    def person_key(self, person: PersonId, version: int, wrapped: bytes) -> Iterator[bytearray]:
        """The person's key for the length of the block. Raises a SealError."""
        key = bytearray(self._provider.unwrap(wrapped, self.key_context(person, version)))
        try:
            yield key
        finally:
            wipe(key)

    def new_file_key(self) -> tuple[bytearray, bytes]:
        """A random key for a file of ours, plain and wrapped. The caller zeroes it with `wipe`."""
        key = os.urandom(KEY_BYTES)
        return bytearray(key), self._provider.wrap(key, self._file_context())

    @contextmanager
    def file_key(self, wrapped: bytes) -> Iterator[bytearray]:
        """The key of a file for the length of the block. Raises a SealError."""
        key = bytearray(self._provider.unwrap(wrapped, self._file_context()))
        try:
            yield key
        finally:
            wipe(key)

    def _file_context(self) -> bytes:
        return join_parts(b"vault/file-key/1", self.installation.encode())

    def key_context(self, person: PersonId, version: int) -> bytes:
        """What the wrapping of this version of the person's key is bound to."""
        installation = self.installation.encode()
        return join_parts(b"vault/dek/1", installation, person.bytes, version.to_bytes(4, "big"))
