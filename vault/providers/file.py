"""Keys in a folder of files: the embedded default.

The folder is for its owner only (0700), and so is each file (0600); anything wider is refused. A
file is complete or absent: it is written under another name, brought to the disk and then linked,
and whoever comes second takes what is there.
"""

import os
import re
import secrets
import shlex
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Literal, Self, TypeGuard, overload

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit.durable import sync_folder
from vault.keys import KEY_BYTES, NoKeyError
from vault.providers.software import SoftwareKeyProvider

KEY_ENCRYPTION_KEY = "kek"
"""Prefix of the names of key-encryption keys in a key folder."""

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_LONGEST_FILE = 4096
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Kind = Literal["ed25519", "p256", "ml-dsa-44"]
PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | MLDSA44PrivateKey


class KeyPermissionsError(Exception):
    """A key folder or file that others may enter, read or change."""

    def __init__(self, path: Path, mode: int, wanted: int) -> None:
        self.path = path
        self.repair = f"chmod {wanted:o} {shlex.quote(str(path))}"
        super().__init__(f"{path} is open to others (mode {mode:04o}); repair: {self.repair}")


class KeyFileError(Exception):
    """A key file that does not hold what it should; it must come back from a backup."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; restore the file from your backup")
        self.path = path
        self.reason = reason


class KeyFolder:
    """Named secrets and signing keys, each made on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open_or_create(cls, path: Path) -> Self:
        """The folder, made when absent. Raises KeyPermissionsError."""
        path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        _refuse_wider(path, path.stat(), _FOLDER_MODE)
        return cls(path)

    def secret(self, name: str) -> bytes:
        """32 random bytes that stay the same under this name."""
        path = self.path_of(name, "secret")
        found = self.existing_secret(name)
        return found or _secret(path, self.create(path, secrets.token_bytes(KEY_BYTES)))

    def existing_secret(self, name: str) -> bytes | None:
        """The secret of this name, None when there is none."""
        path = self.path_of(name, "secret")
        content = self.read(path)
        return None if content is None else _secret(path, content)

    @overload
    def private_key(self, name: str, kind: Literal["ed25519"]) -> Ed25519PrivateKey: ...
    @overload
    def private_key(self, name: str, kind: Literal["p256"]) -> EllipticCurvePrivateKey: ...

    @overload
    def private_key(self, name: str, kind: Literal["ml-dsa-44"]) -> MLDSA44PrivateKey: ...

    def private_key(self, name: str, kind: Kind) -> PrivateKey:
        """The signing key of this name, kept as PKCS #8 in PEM (RFC 7468 section 10)."""
        path = self.path_of(name, "pem")
        content = self.read(path) or self.create(path, private_pem(new_private_key(kind)))
        return read_private_key(path, content, kind)

    def numbered_secrets(self, prefix: str) -> dict[int, bytes]:
        """The secrets `<prefix>-<8 digits>` by their number, none when there is none.

        One that is destroyed while they are read is left out, and never made anew.
        """
        read = {
            number: self.existing_secret(numbered(prefix, number))
            for number in self.numbers(prefix)
        }
        return {number: secret for number, secret in read.items() if secret is not None}

    def numbers(self, prefix: str, ending: str = "secret") -> set[int]:
        """The numbers of the files `<prefix>-<8 digits>` that there are; none is read."""
        # At every wrapping: a compiled pattern over plain names takes a third of what glob does.
        pattern = _numbered_file(prefix, ending)
        found = map(pattern.fullmatch, os.listdir(self.path))  # noqa: PTH208  # see above
        return {int(each[1]) for each in found if each}

    def destroy(self, name: str, ending: str = "secret") -> None:
        """Overwrite the file, then remove it, both brought to the disk; it may be gone already.

        A file system that writes to a new place each time, and the disk below it, may keep what
        was there: what must not come back belongs into a token or a service.
        """
        path = self.path_of(name, ending)
        with suppress(FileNotFoundError):
            with path.open("r+b") as file:
                file.write(secrets.token_bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            sync_folder(self.path)

    def path_of(self, name: str, ending: str) -> Path:
        """Where the file of this name stands. Raises ValueError for a malformed name."""
        if _NAME.fullmatch(name) is None:
            raise ValueError("a key's name is of lower-case words joined by hyphens")
        return self.path / f"{name}.{ending}"

    def read(self, path: Path) -> bytes | None:
        """What is in the file, None when there is none. Raises KeyPermissionsError."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        with file:
            _refuse_wider(path, os.fstat(file.fileno()), _FILE_MODE)
            content = file.read(_LONGEST_FILE)
        if not content:
            raise KeyFileError(path, "empty")
        return content

    def create(self, path: Path, content: bytes) -> bytes:
        """Write the file, whole or not at all, and give what is there afterwards."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # The draft is on the disk. Linking cannot overwrite: of two processes that start at
            # once, one key stays and both use it.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
        sync_folder(self.path)
        return path.read_bytes()


class FileKeyProvider(SoftwareKeyProvider):
    """Key-encryption keys in a key folder: `kek-00000001.secret` and so on.

    The folder is listed anew at every wrapping, since another process may have added or destroyed
    a key. Without a folder the keys live as long as the object.
    """

    kind = "file"

    def __init__(self, keys: Mapping[int, bytes], folder: KeyFolder | None = None) -> None:
        super().__init__(keys)
        self._folder = folder

    @classmethod
    def open_or_create(cls, folder: Path) -> Self:
        """The provider of this folder, with a first key when there is none."""
        keys = KeyFolder.open_or_create(folder)
        found = keys.numbered_secrets(KEY_ENCRYPTION_KEY)
        return cls(found or {1: keys.secret(numbered(KEY_ENCRYPTION_KEY, 1))}, keys)

    @classmethod
    def open_existing(cls, folder: Path) -> Self:
        """The provider of this folder with the keys that there are, perhaps none."""
        keys = KeyFolder.open_or_create(folder)
        return cls(keys.numbered_secrets(KEY_ENCRYPTION_KEY), keys)

    def add_key(self) -> str:
        number = max(self._current(), default=0) + 1
        self._keys = {**self._keys, number: self._new_key(number)}
        return self._id(number)

    def destroy(self, key_id: str) -> None:
        self._remove(self._destructible(key_id))

    def leave(self) -> None:
        """See `vault.providers.moving`."""
        (number,) = self._keys
        self._remove(number)

    def _remove(self, number: int) -> None:
        if self._folder is not None:
            self._folder.destroy(numbered(KEY_ENCRYPTION_KEY, number))
        self._keys = {each: key for each, key in self._keys.items() if each != number}

    def _new_key(self, number: int) -> bytes:
        if self._folder is None:
            return secrets.token_bytes(KEY_BYTES)
        return self._folder.secret(numbered(KEY_ENCRYPTION_KEY, number))

    def _current(self) -> Mapping[int, bytes]:
        if self._folder is not None and self._folder.numbers(KEY_ENCRYPTION_KEY) != set(self._keys):
            found = self._folder.numbered_secrets(KEY_ENCRYPTION_KEY)
            if not found:
                raise NoKeyError(f"no key in {self._folder.path}", repair="restore it from backup")
            self._keys = found
        return self._keys


@cache
def _numbered_file(prefix: str, ending: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(prefix)}-([0-9]{{8}})\.{ending}")


def numbered(prefix: str, number: int) -> str:
    """The name of one of several secrets."""
    return f"{prefix}-{number:08}"


def _secret(path: Path, content: bytes) -> bytes:
    if len(content) != KEY_BYTES:
        raise KeyFileError(path, f"a secret has {KEY_BYTES} bytes")
    return content


def new_private_key(kind: Kind) -> PrivateKey:
    """A random key of this kind."""
    return _MADE[kind]()


_MADE: dict[Kind, Callable[[], PrivateKey]] = {
    "ed25519": Ed25519PrivateKey.generate,
    "p256": lambda: generate_private_key(SECP256R1()),
    "ml-dsa-44": MLDSA44PrivateKey.generate,
}


def private_pem(key: PrivateKey) -> bytes:
    """The key as PKCS #8 in PEM; of one for ML-DSA the seed only (RFC 9881 section 6)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_private_key(path: Path, content: bytes, kind: Kind) -> PrivateKey:
    """The key in the content of a file. Raises KeyFileError."""
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(path, "not an unencrypted private key in PEM") from error
    if _is_of(key, kind):
        return key
    raise KeyFileError(path, f"not a key of kind {kind}")


def _is_of(key: object, kind: Kind) -> TypeGuard[PrivateKey]:
    if isinstance(key, EllipticCurvePrivateKey):
        return kind == "p256" and isinstance(key.curve, SECP256R1)
    return isinstance(key, _CLASSES[kind])


_CLASSES: dict[Kind, type[PrivateKey]] = {
    "ed25519": Ed25519PrivateKey,
    "p256": EllipticCurvePrivateKey,
    "ml-dsa-44": MLDSA44PrivateKey,
}


def _refuse_wider(path: Path, found: os.stat_result, wanted: int) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if mode & ~wanted:
        raise KeyPermissionsError(path, mode, wanted)
