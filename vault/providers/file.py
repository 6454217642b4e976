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
import struct
from collections.abc import Callable
from contextlib import suppress
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
from vault.envelope import TruncatedError, UnknownFormatError, decrypt, encrypt, join_parts
from vault.keys import KEY_BYTES, UnknownKeyError

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
        content = self.read(path) or self.create(path, secrets.token_bytes(KEY_BYTES))
        if len(content) != KEY_BYTES:
            raise KeyFileError(path, f"a secret has {KEY_BYTES} bytes")
        return content

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
        """The secrets `<prefix>-<8 digits>` by their number; the first one is made when absent."""
        pattern = f"{prefix}-{'[0-9]' * 8}.secret"
        names = [path.stem for path in self.path.glob(pattern)] or [f"{prefix}-00000001"]
        return {int(name[-8:]): self.secret(name) for name in names}

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


class FileKeyProvider:
    """Key-encryption keys in a key folder. Satisfies `KeyProvider` and `audit.keys.KeyWrapper`.

    Wrapped key, version 1: format `01` (1 byte), number of the key-encryption key (u32
    big-endian), then Cobblestone-256 of the key, with format and number in its context. The key
    with the highest number wraps, all of them unwrap.
    """

    _FORMAT = 1
    _HEADER = struct.Struct(">BI")

    def __init__(self, keys: dict[int, bytes]) -> None:
        self._keys = keys
        self._current = max(keys)

    @classmethod
    def open_or_create(cls, folder: Path) -> Self:
        """The provider of this folder, with a first key when there is none."""
        return cls(KeyFolder.open_or_create(folder).numbered_secrets("kek"))

    def __repr__(self) -> str:
        return f"FileKeyProvider({self.key_id}, keys hidden)"

    @property
    def key_id(self) -> str:
        return _key_id(self._current)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        header = self._HEADER.pack(self._FORMAT, self._current)
        return header + encrypt(self._keys[self._current], join_parts(header, context), key)

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        if len(blob) < self._HEADER.size:
            raise TruncatedError
        header = blob[: self._HEADER.size]
        version, number = self._HEADER.unpack(header)
        if version != self._FORMAT:
            raise UnknownFormatError
        if number not in self._keys:
            raise UnknownKeyError(_key_id(number))
        return decrypt(self._keys[number], join_parts(header, context), blob[self._HEADER.size :])


def _key_id(number: int) -> str:
    return f"file:{number}"


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
