"""Providers of every kind, each without a key yet, and a key service in memory."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.softhsm import SoftToken
from vault.providers.file import FileKeyProvider, KeyFolder
from vault.providers.moving import FormerProvider
from vault.providers.sealed import SealedKeyProvider
from vault.providers.service import ServiceKeyProvider

Making = Callable[[Path, SoftToken], FormerProvider]


@dataclass
class MemoryService:
    """A key service in memory."""

    keys: dict[int, bytes] = field(default_factory=dict)
    kind: str = "memory"

    def versions(self) -> tuple[int, ...]:
        return tuple(sorted(self.keys))

    def encrypt(self, plain: bytes, bound: bytes) -> tuple[int, bytes]:
        version, nonce = max(self.keys), os.urandom(12)
        return version, nonce + AESGCM(self.keys[version]).encrypt(nonce, plain, bound)

    def decrypt(self, version: int, sealed: bytes, bound: bytes) -> bytes | None:
        try:
            return AESGCM(self.keys[version]).decrypt(sealed[:12], sealed[12:], bound)
        except (KeyError, InvalidTag, ValueError):
            return None

    def rotate(self) -> int:
        version = max(self.keys, default=0) + 1
        self.keys[version] = os.urandom(32)
        return version

    def destroy_through(self, version: int) -> None:
        self.keys = {each: key for each, key in self.keys.items() if each > version}

    def remove(self) -> None:
        self.keys = {}

    def close(self) -> None:
        self.kind = "closed"


def in_file(folder: Path, _: SoftToken) -> FormerProvider:
    return FileKeyProvider.open_existing(folder)


def in_token(_: Path, token: SoftToken) -> FormerProvider:
    return token.provider()


def in_service(_: Path, __: SoftToken) -> FormerProvider:
    return ServiceKeyProvider(MemoryService())


def sealed_by_token(folder: Path, token: SoftToken) -> FormerProvider:
    return SealedKeyProvider(KeyFolder.open_or_create(folder), token.provider())


def sealed_by_service(folder: Path, token: SoftToken) -> FormerProvider:
    return SealedKeyProvider(KeyFolder.open_or_create(folder), in_service(folder, token))


EVERY: tuple[Making, ...] = (in_file, in_token, in_service, sealed_by_token, sealed_by_service)
