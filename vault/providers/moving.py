"""From one provider to another: the new one wraps, and what the old one wrapped still opens.

When nothing is wrapped by the old one any more, its last key can be destroyed like any other.
"""

from typing import Protocol

from vault.envelope import UnknownFormatError
from vault.keys import KeyProvider


class FormerProvider(KeyProvider, Protocol):
    """A provider that can be left."""

    def leave(self) -> None:
        """Destroy the last key that there is here. Raises KeyProviderError."""
        ...


class MovingKeyProvider:
    """Two providers of different formats as one. Satisfies `vault.keys.KeyProvider`."""

    def __init__(self, former: FormerProvider, current: KeyProvider) -> None:
        self._former = former
        self._current = current

    def __repr__(self) -> str:
        return f"MovingKeyProvider({self._former!r}, {self._current!r})"

    @property
    def key_id(self) -> str:
        return self._current.key_id

    def key_ids(self) -> tuple[str, ...]:
        return (*self._former.key_ids(), *self._current.key_ids())

    def wrap(self, key: bytes, context: bytes) -> bytes:
        return self._current.wrap(key, context)

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        return self._of(blob).unwrap(blob, context)

    def wrapped_under(self, blob: bytes) -> str:
        return self._of(blob).wrapped_under(blob)

    def add_key(self) -> str:
        return self._current.add_key()

    def destroy(self, key_id: str) -> None:
        former = self._former.key_ids()
        if former == (key_id,):
            self._former.leave()
        elif key_id in former:
            self._former.destroy(key_id)
        else:
            self._current.destroy(key_id)

    def close(self) -> None:
        self._former.close()
        self._current.close()

    def _of(self, blob: bytes) -> KeyProvider:
        try:
            self._current.wrapped_under(blob)
        except UnknownFormatError:
            return self._former
        return self._current
