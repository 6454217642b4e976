"""Keys inside a remote service: what the provider makes of what the service says."""

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vault.providers.every import MemoryService
from vault.envelope import join_parts
from vault.keys import NoKeyError
from vault.providers.service import KeyService, ServiceKeyProvider

DEK = bytes(range(32))


@pytest.fixture
def service() -> MemoryService:
    return MemoryService({1: os.urandom(32)})


@pytest.fixture
def provider(service: MemoryService) -> ServiceKeyProvider:
    port: KeyService = service
    return ServiceKeyProvider(port)


def test_a_wrapped_key_names_format_and_version_and_binds_format_and_context(
    provider: ServiceKeyProvider, service: MemoryService
) -> None:
    service.keys[258] = os.urandom(32)
    blob = provider.wrap(DEK, b"context")
    assert blob[:5] == bytes.fromhex("0400000102")
    assert provider.wrapped_under(blob) == "memory:258"
    bound = join_parts(b"\x04", b"context")
    assert AESGCM(service.keys[258]).decrypt(blob[5:17], blob[17:], bound) == DEK


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
