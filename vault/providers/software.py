"""Key-encryption keys in the memory of this process, for the providers that read them somewhere.

Wrapped key, formats `01` and `05`: the header of `vault.keys`, then Cobblestone-256 of the key,
with the header in its context.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from vault.envelope import UnknownFormatError, decrypt, encrypt, join_parts
from vault.keys import (
    WRAP_HEADER,
    CurrentKeyError,
    NoKeyError,
    UnknownKeyError,
    WrapFormat,
    read_header,
)


class SoftwareKeyProvider(ABC):
    """Wraps and unwraps under keys that it holds; where they are from is for a subclass to say."""

    kind: ClassVar[str]
    """First part of its keys' ids."""
    wrap_format: ClassVar[WrapFormat] = WrapFormat.SOFTWARE

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        """The keys by their numbers."""
        self._keys = dict(keys)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(self._id, sorted(self._keys)))}, keys hidden)"

    @property
    def key_id(self) -> str:
        return self._id(self._newest()[0])

    def key_ids(self) -> tuple[str, ...]:
        return tuple(self._id(number) for number in sorted(self._current()))

    def wrap(self, key: bytes, context: bytes) -> bytes:
        number, newest = self._newest()
        header = WRAP_HEADER.pack(self.wrap_format, number)
        return header + encrypt(newest, join_parts(header, context), key)

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        number = self._number_in(blob)
        # Another process may have added the key a moment ago.
        key = self._keys.get(number) or self._current().get(number)
        if key is None:
            raise UnknownKeyError(self._id(number))
        header, sealed = blob[: WRAP_HEADER.size], blob[WRAP_HEADER.size :]
        return decrypt(key, join_parts(header, context), sealed)

    def wrapped_under(self, blob: bytes) -> str:
        return self._id(self._number_in(blob))

    @abstractmethod
    def add_key(self) -> str:
        """See `vault.keys.KeyProvider`."""

    @abstractmethod
    def destroy(self, key_id: str) -> None:
        """See `vault.keys.KeyProvider`."""

    def close(self) -> None:  # noqa: B027  # what most of them have to do is nothing
        """Nothing is held open."""

    def _current(self) -> Mapping[int, bytes]:
        """The keys as they are now, for providers whose keys change while they run."""
        return self._keys

    def _newest(self) -> tuple[int, bytes]:
        """The key that wraps, and its number. Raises NoKeyError."""
        keys = self._current()
        if not keys:
            raise NoKeyError(f"there is no {self.kind} key", repair="restore it from backup")
        number = max(keys)
        return number, keys[number]

    def _id(self, number: int) -> str:
        return f"{self.kind}:{number}"

    def _number_in(self, blob: bytes) -> int:
        wrap_format, number = read_header(blob)
        if wrap_format != self.wrap_format:
            raise UnknownFormatError
        return number

    def _destructible(self, key_id: str) -> int:
        """The key's number. Raises CurrentKeyError or UnknownKeyError."""
        keys = self._current()
        if key_id == self._id(max(keys, default=0)):
            raise CurrentKeyError(key_id)
        for number in keys:
            if key_id == self._id(number):
                return number
        raise UnknownKeyError(key_id)
