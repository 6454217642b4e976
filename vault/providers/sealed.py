"""Key files that a token or a key service has sealed: it is asked at the start, not for each key.

At rest only the sealed files lie in the key folder (`kek-00000001.sealed` and so on), and nothing
opens them without the token or the service. Once opened, the keys are in this process's memory,
so that no record waits for a call, and the service goes on while the other is away. Each file is
sealed under a key of its own there, which is destroyed with it: no copy of the file opens then.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from audit.key_errors import KeyProviderError
from vault.envelope import SealError, join_parts
from vault.keys import KEY_BYTES, NoKeyError, UnknownKeyError, WrapFormat, check_destructible
from vault.providers.file import KEY_ENCRYPTION_KEY, KeyFolder, numbered
from vault.providers.moving import FormerProvider
from vault.providers.software import SoftwareKeyProvider

_ENDING = "sealed"


class SealedKeyError(KeyProviderError):
    """A sealed file that the token or the service opens to nothing."""

    def __init__(self, path: Path) -> None:
        repair = "restore the file from your backup, or name the token or key that it is from"
        super().__init__(f"{path} is damaged, or sealed by another one", repair=repair)
        self.path = path


class SealedKeyProvider(SoftwareKeyProvider):
    """Key-encryption keys out of sealed files. Wrapped key: format `05`, else as format `01`."""

    kind = "sealed"
    wrap_format = WrapFormat.SEALED

    def __init__(self, folder: KeyFolder, keeper: FormerProvider) -> None:
        """Opens the files that there are. Raises KeyProviderError."""
        super().__init__({})
        self._folder = folder
        self._keeper = keeper
        self._ended: frozenset[int] = frozenset()
        self._current()

    def add_key(self) -> str:
        number = max((*self._current(), *self._ended), default=0) + 1
        self._keeper.add_key()
        sealed = self._keeper.wrap(secrets.token_bytes(KEY_BYTES), _context(number))
        self._folder.create(self._path(number), sealed)
        self._current()
        return self._id(number)

    def destroy(self, key_id: str) -> None:
        check_destructible(key_id, self.key_ids())
        number = min(self._keys)
        last = self._keeper.wrapped_under(self._content(number))
        ids = self._keeper.key_ids()
        # With it go those before it, which are of a key that was never finished.
        for each in ids[: ids.index(last) + 1] if last in ids else ():
            self._keeper.destroy(each)
        self._remove(number)

    def leave(self) -> None:
        """See `vault.providers.moving`."""
        (number,) = self._current()
        for each in self._keeper.key_ids()[:-1]:
            self._keeper.destroy(each)
        self._keeper.leave()
        self._remove(number)

    def close(self) -> None:
        self._keeper.close()

    def _remove(self, number: int) -> None:
        self._folder.destroy(numbered(KEY_ENCRYPTION_KEY, number), _ENDING)
        self._keys = {each: key for each, key in self._keys.items() if each != number}

    def _current(self) -> Mapping[int, bytes]:
        there = self._folder.numbers(KEY_ENCRYPTION_KEY, _ENDING)
        if self._keys and not there - self._ended:
            raise NoKeyError(f"no key in {self._folder.path}", repair="restore it from backup")
        if there != self._keys.keys() | self._ended:
            known = {number: key for number, key in self._keys.items() if number in there}
            new = {number: self._opened(number) for number in sorted(there - known.keys())}
            self._keys = known | {number: key for number, key in new.items() if key is not None}
            self._ended = frozenset(there - self._keys.keys())
        return self._keys

    def _opened(self, number: int) -> bytes | None:
        """None for a file whose key has ended: a crash has left it."""
        try:
            return self._keeper.unwrap(self._content(number), _context(number))
        except UnknownKeyError:
            return None
        except SealError as error:
            raise SealedKeyError(self._path(number)) from error

    def _content(self, number: int) -> bytes:
        return self._folder.read(self._path(number)) or b""

    def _path(self, number: int) -> Path:
        return self._folder.path_of(numbered(KEY_ENCRYPTION_KEY, number), _ENDING)


def _context(number: int) -> bytes:
    return join_parts(b"vault/kek/1", number.to_bytes(4, "big"))
