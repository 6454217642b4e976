"""Signing keys that are changed now and then: the newest signs, and for a while the older ones too.

The first key of a name is `<name>.pem`, later ones `<name>-00000002.pem` and so on. A retired key
leaves its public half behind, `<name>-00000001.pub` (SubjectPublicKeyInfo in PEM, RFC 7468 section
13), so that what it has signed verifies for as long as somebody asks.
"""

from pathlib import Path
from typing import Generic, TypeVar, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from audit.durable import sync_folder
from vault.providers.file import (
    KeyFileError,
    KeyFolder,
    Kind,
    new_private_key,
    private_pem,
    read_private_key,
)

Private = TypeVar("Private", Ed25519PrivateKey, MLDSA44PrivateKey)
PublicKey = Ed25519PublicKey | MLDSA44PublicKey

_DIGITS = 8


class RotatedKeys(Generic[Private]):
    """The signing keys of one name and kind in a key folder."""

    def __init__(self, folder: KeyFolder, name: str, kind: Kind) -> None:
        self._folder = folder
        self._name = name
        self._kind = kind

    def signing(self) -> list[Private]:
        """The keys that sign, newest first; the first one is made when there was never any."""
        if not self._private_files() and not self._public_files():
            first = self._folder.path_of(self._name, "pem")
            self._folder.create(first, private_pem(new_private_key(self._kind)))
        files = self._private_files()
        return [self._private(files[number]) for number in sorted(files, reverse=True)]

    def retired(self) -> list[PublicKey]:
        """The public halves of the keys that sign no more, newest first."""
        files = self._public_files()
        signing = self._private_files()
        return [self._public(files[n]) for n in sorted(files, reverse=True) if n not in signing]

    def draw(self) -> Private:
        """A new key, which is kept and signs only once it is given to `add`."""
        return cast("Private", new_private_key(self._kind))

    def add(self, key: Private) -> None:
        """Keep a new key: it signs, together with the older ones, from the next start on."""
        number = max((*self._private_files(), *self._public_files()), default=0) + 1
        path = self._folder.path_of(f"{self._name}-{number:0{_DIGITS}}", "pem")
        self._folder.create(path, private_pem(key))

    def retire_older(self) -> None:
        """Keep only the public half of all but the newest. It may stop half way and run again."""
        files = self._private_files()
        for number in sorted(files)[:-1]:
            public = self._private(files[number]).public_key()
            content = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            path = self._folder.path_of(f"{self._name}-{number:0{_DIGITS}}", "pub")
            self._folder.create(path, content)  # on the disk before the private half goes
            files[number].unlink()
        sync_folder(self._folder.path)

    def _private_files(self) -> dict[int, Path]:
        first = self._folder.path_of(self._name, "pem")
        return {**({1: first} if first.exists() else {}), **self._numbered("pem")}

    def _public_files(self) -> dict[int, Path]:
        return self._numbered("pub")

    def _numbered(self, ending: str) -> dict[int, Path]:
        pattern = f"{self._name}-{'[0-9]' * _DIGITS}.{ending}"
        return {int(path.stem[-_DIGITS:]): path for path in self._folder.path.glob(pattern)}

    def _private(self, path: Path) -> Private:
        content = self._content(path)
        return cast("Private", read_private_key(path, content, self._kind))

    def _public(self, path: Path) -> PublicKey:
        try:
            key = load_pem_public_key(self._content(path))
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyFileError(path, "not a public key in PEM") from error
        if isinstance(key, Ed25519PublicKey | MLDSA44PublicKey):
            return key
        raise KeyFileError(path, f"not a key of kind {self._kind}")

    def _content(self, path: Path) -> bytes:
        content = self._folder.read(path)
        if content is None:
            raise KeyFileError(path, "gone while it was read")
        return content
