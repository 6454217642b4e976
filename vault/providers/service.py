"""Keys inside a remote key service (Vault or OpenBao transit, a cloud's KMS).

The service versions its key; a version's number is the number of the key-encryption key. Wrapped
key, format `04`: the header of `vault.keys` with the version, then what the service made of the
key, with format and context as its associated data. The version cannot be bound beforehand, since
the service chooses it, but one that was rewritten makes the service open with another key.
"""

from typing import Protocol

from vault.envelope import MisplacedError, UnknownFormatError, join_parts
from vault.keys import (
    WRAP_HEADER,
    NoKeyError,
    UnknownKeyError,
    WrapFormat,
    check_destructible,
    read_header,
)


class KeyService(Protocol):
    """What a key service must be able to do; `connectors.transit` is one.

    Every method calls the service, and can raise KeysUnavailableError.
    """

    @property
    def kind(self) -> str:
        """First part of its keys' ids."""
        ...

    def versions(self) -> tuple[int, ...]:
        """The versions that decrypt, oldest first; the last one encrypts. None without a key."""
        ...

    def encrypt(self, plain: bytes, bound: bytes) -> tuple[int, bytes]:
        """The version that encrypted, and what it made, bound to the second argument."""
        ...

    def decrypt(self, version: int, sealed: bytes, bound: bytes) -> bytes | None:
        """The plain bytes; None when it is not of this version or bound to something else."""
        ...

    def rotate(self) -> int:
        """A new version, which encrypts from now on; the key itself when there is none."""
        ...

    def destroy_through(self, version: int) -> None:
        """Destroy this version and all before it, for good."""
        ...

    def remove(self) -> None:
        """Destroy the key with all its versions."""
        ...

    def close(self) -> None:
        """Let go of the connection; the next call makes another one."""
        ...


class ServiceKeyProvider:
    """Key-encryption keys of a key service. Satisfies `vault.keys.KeyProvider`."""

    def __init__(self, service: KeyService) -> None:
        self._service = service

    def __repr__(self) -> str:
        return f"ServiceKeyProvider({self._service.kind})"

    @property
    def key_id(self) -> str:
        versions = self._service.versions()
        if not versions:
            raise NoKeyError(
                "the service has no such key",
                repair="compare the address and the key's name in the settings with the service",
            )
        return self._id(versions[-1])

    def key_ids(self) -> tuple[str, ...]:
        return tuple(self._id(version) for version in self._service.versions())

    def wrap(self, key: bytes, context: bytes) -> bytes:
        version, sealed = self._service.encrypt(key, _bound(context))
        return WRAP_HEADER.pack(WrapFormat.SERVICE, version) + sealed

    def unwrap(self, blob: bytes, context: bytes) -> bytes:
        version = _version_in(blob)
        opened = self._service.decrypt(version, blob[WRAP_HEADER.size :], _bound(context))
        if opened is not None:
            return opened
        if version not in self._service.versions():
            raise UnknownKeyError(self._id(version))
        raise MisplacedError

    def wrapped_under(self, blob: bytes) -> str:
        return self._id(_version_in(blob))

    def add_key(self) -> str:
        return self._id(self._service.rotate())

    def destroy(self, key_id: str) -> None:
        versions = self._service.versions()
        check_destructible(key_id, [self._id(version) for version in versions])
        self._service.destroy_through(versions[0])

    def leave(self) -> None:
        """See `vault.providers.moving`."""
        self._service.remove()

    def close(self) -> None:
        self._service.close()

    def _id(self, version: int) -> str:
        return f"{self._service.kind}:{version}"


def _bound(context: bytes) -> bytes:
    return join_parts(bytes([WrapFormat.SERVICE]), context)


def _version_in(blob: bytes) -> int:
    wrap_format, version = read_header(blob)
    if wrap_format != WrapFormat.SERVICE:
        raise UnknownFormatError
    return version
