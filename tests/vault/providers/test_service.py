"""Keys inside a remote service: what the provider makes of what the service says."""

import os
from dataclasses import dataclass, field

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from audit.keys import KeyWrapper
from vault.envelope import MisplacedError, TruncatedError, UnknownFormatError, join_parts
from vault.keys import CurrentKeyError, KeyProvider, NoKeyError, OlderKeysError, UnknownKeyError
from vault.providers.service import KeyService, ServiceKeyProvider

DEK = bytes(range(32))


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


@pytest.fixture
def service() -> MemoryService:
    return MemoryService({1: os.urandom(32)})


@pytest.fixture
def provider(service: MemoryService) -> ServiceKeyProvider:
    port: KeyService = service
    return ServiceKeyProvider(port)


def test_the_service_serves_the_vault_and_the_log(provider: ServiceKeyProvider) -> None:
    for_the_vault: KeyProvider = provider
    for_the_log: KeyWrapper = provider
    assert for_the_log.unwrap(for_the_vault.wrap(DEK, b"context"), b"context") == DEK


def test_a_wrapped_key_names_format_and_version_and_binds_format_and_context(
    provider: ServiceKeyProvider, service: MemoryService
) -> None:
    service.keys[258] = os.urandom(32)
    blob = provider.wrap(DEK, b"context")
    assert blob[:5] == bytes.fromhex("0400000102")
    assert provider.wrapped_under(blob) == "memory:258"
    bound = join_parts(b"\x04", b"context")
    assert AESGCM(service.keys[258]).decrypt(blob[5:17], blob[17:], bound) == DEK


def test_generations_come_and_go_from_the_oldest_on(provider: ServiceKeyProvider) -> None:
    blob = provider.wrap(DEK, b"")
    assert provider.add_key() == "memory:2"
    assert provider.add_key() == "memory:3"
    assert provider.key_id == "memory:3"
    assert provider.unwrap(blob, b"") == DEK
    with pytest.raises(OlderKeysError, match="memory:1") as caught:
        provider.destroy("memory:2")
    assert caught.value.oldest == "memory:1"
    with pytest.raises(CurrentKeyError):
        provider.destroy("memory:3")
    with pytest.raises(UnknownKeyError):
        provider.destroy("memory:9")
    provider.destroy("memory:1")
    assert provider.key_ids() == ("memory:2", "memory:3")
    with pytest.raises(UnknownKeyError, match="memory:1"):
        provider.unwrap(blob, b"")


def test_another_context_does_not_open(provider: ServiceKeyProvider) -> None:
    with pytest.raises(MisplacedError):
        provider.unwrap(provider.wrap(DEK, b"one"), b"other")


def test_a_renumbered_blob_does_not_open(provider: ServiceKeyProvider) -> None:
    blob = provider.wrap(DEK, b"")
    provider.add_key()
    with pytest.raises(MisplacedError):
        provider.unwrap(blob[:4] + b"\x02" + blob[5:], b"")
    with pytest.raises(UnknownKeyError, match="memory:7"):
        provider.unwrap(blob[:4] + b"\x07" + blob[5:], b"")


def test_every_changed_bit_after_the_header_is_found(provider: ServiceKeyProvider) -> None:
    blob = provider.wrap(DEK, b"")
    for place in range(5, len(blob)):
        with pytest.raises(MisplacedError):
            provider.unwrap(blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :], b"")


@pytest.mark.parametrize("wrap_format", [0, 1, 2, 3, 5])
def test_an_unknown_format_is_named(provider: ServiceKeyProvider, wrap_format: int) -> None:
    blob = bytes([wrap_format]) + provider.wrap(DEK, b"")[1:]
    with pytest.raises(UnknownFormatError):
        provider.unwrap(blob, b"")
    with pytest.raises(UnknownFormatError):
        provider.wrapped_under(blob)


@pytest.mark.parametrize("length", [0, 1, 4])
def test_a_short_blob_is_named_truncated(provider: ServiceKeyProvider, length: int) -> None:
    with pytest.raises(TruncatedError):
        provider.unwrap(provider.wrap(DEK, b"")[:length], b"")


def test_a_service_without_a_key_says_so() -> None:
    provider = ServiceKeyProvider(MemoryService())
    assert provider.key_ids() == ()
    with pytest.raises(NoKeyError, match="settings"):
        assert provider.key_id
    assert provider.add_key() == "memory:1"


def test_closing_closes_the_service(provider: ServiceKeyProvider, service: MemoryService) -> None:
    provider.close()
    assert service.kind == "closed"


def test_the_repr_says_what_service_it_is(provider: ServiceKeyProvider) -> None:
    assert repr(provider) == "ServiceKeyProvider(memory)"
