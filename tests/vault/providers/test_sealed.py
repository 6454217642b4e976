"""Sealed key files: nothing at rest without the keeper, and nothing asked of it while serving."""

import os
from pathlib import Path

import pytest

from audit.key_errors import KeysUnavailableError
from audit.keys import KeyWrapper
from tests.softhsm import SoftToken
from tests.vault.providers.every import MemoryService
from vault.envelope import MisplacedError
from vault.keys import KeyProvider, NoKeyError, UnknownKeyError
from vault.providers.file import FileKeyProvider, KeyFolder
from vault.providers.moving import FormerProvider, MovingKeyProvider
from vault.providers.sealed import SealedKeyError, SealedKeyProvider
from vault.providers.service import ServiceKeyProvider

DEK = bytes(range(32))


class Service(MemoryService):
    """A key service that counts what it is asked, and can be away."""

    asked = 0
    away = False

    def decrypt(self, version: int, sealed: bytes, bound: bytes) -> bytes | None:
        if self.away:
            raise KeysUnavailableError("the service is away", repair="wait")
        self.asked += 1
        return super().decrypt(version, sealed, bound)


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder.open_or_create(tmp_path / "keys")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def provider(folder: KeyFolder, service: Service) -> SealedKeyProvider:
    """A provider with one key."""
    opened = opened_of(folder, service)
    opened.add_key()
    return opened


def opened_of(folder: KeyFolder, service: Service) -> SealedKeyProvider:
    return SealedKeyProvider(folder, ServiceKeyProvider(service))


def names(folder: KeyFolder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def test_the_files_serve_the_vault_and_the_log(provider: SealedKeyProvider) -> None:
    for_the_vault: KeyProvider = provider
    for_the_log: KeyWrapper = provider
    blob = for_the_vault.wrap(DEK, b"context")
    assert for_the_log.unwrap(blob, b"context") == DEK
    assert blob[:5] == bytes.fromhex("0500000001")
    assert len(blob) == 109
    with pytest.raises(MisplacedError):
        for_the_log.unwrap(blob, b"another")


def test_the_service_is_asked_at_the_start_and_not_for_each_key(
    folder: KeyFolder, provider: SealedKeyProvider, service: Service
) -> None:
    blob = provider.wrap(DEK, b"")
    started = opened_of(folder, service)
    asked = service.asked
    service.away = True
    for _ in range(5):
        assert started.unwrap(blob, b"") == started.unwrap(started.wrap(DEK, b""), b"") == DEK
    assert service.asked == asked


def test_a_start_without_the_service_is_refused(
    folder: KeyFolder, provider: SealedKeyProvider, service: Service
) -> None:
    assert provider.key_id == "sealed:1"
    service.away = True
    with pytest.raises(KeysUnavailableError):
        opened_of(folder, service)


def test_at_rest_there_is_no_key_in_the_folder(
    folder: KeyFolder, provider: SealedKeyProvider
) -> None:
    (content,) = (path.read_bytes() for path in folder.path.iterdir())
    assert names(folder) == ["kek-00000001.sealed"]
    assert all(key not in content for key in provider._keys.values())


def test_each_generation_is_sealed_under_a_key_of_its_own_and_ends_with_it(
    folder: KeyFolder, provider: SealedKeyProvider, service: Service
) -> None:
    blob = provider.wrap(DEK, b"")
    copy = (folder.path / "kek-00000001.sealed").read_bytes()
    assert provider.add_key() == "sealed:2"
    assert provider.unwrap(blob, b"") == DEK
    provider.destroy("sealed:1")
    assert provider.key_ids() == ("sealed:2",)
    assert service.versions() == (2,)
    assert names(folder) == ["kek-00000002.sealed"]
    folder.create(folder.path / "kek-00000001.sealed", copy)  # as out of a backup
    for opened in (provider, opened_of(folder, service)):
        with pytest.raises(UnknownKeyError, match="sealed:1"):
            opened.unwrap(blob, b"")
        assert opened.key_ids() == ("sealed:2",)
    assert opened_of(folder, service).add_key() == "sealed:3"


def test_a_key_of_the_service_that_a_crash_left_unused_ends_with_the_next(
    provider: SealedKeyProvider, service: Service
) -> None:
    service.rotate()
    provider.add_key()
    provider.add_key()
    assert service.versions() == (1, 2, 3, 4)
    provider.destroy("sealed:1")
    provider.destroy("sealed:2")
    assert service.versions() == (4,)


def test_what_another_one_destroyed_meanwhile_leaves_its_file_alone_to_remove(
    folder: KeyFolder, provider: SealedKeyProvider, service: Service
) -> None:
    provider.add_key()
    provider.add_key()
    service.destroy_through(1)
    provider.destroy("sealed:1")
    assert names(folder) == ["kek-00000002.sealed", "kek-00000003.sealed"]
    assert service.versions() == (2, 3)


def test_a_file_that_a_crash_left_behind_does_not_hold_up_the_start(
    folder: KeyFolder, provider: SealedKeyProvider, service: Service
) -> None:
    provider.add_key()
    service.destroy_through(1)  # and then the machine stopped
    started = opened_of(folder, service)
    asked = service.asked
    assert started.key_ids() == ("sealed:2",)
    started.wrap(DEK, b"")
    assert service.asked == asked
    with pytest.raises(UnknownKeyError):
        started.destroy("sealed:1")


def test_a_running_process_takes_up_what_another_one_does(
    folder: KeyFolder, provider: SealedKeyProvider, service: Service
) -> None:
    other = opened_of(folder, service)
    other.add_key()
    assert provider.unwrap(other.wrap(DEK, b""), b"") == DEK
    assert provider.wrapped_under(provider.wrap(DEK, b"")) == "sealed:2"
    other.destroy("sealed:1")
    assert provider.key_ids() == ("sealed:2",)


@pytest.mark.parametrize("content", [b"", b"\x04", b"\x04\0\0\0\1" + bytes(60), b"\x01" * 80])
def test_a_damaged_file_is_named(folder: KeyFolder, service: Service, content: bytes) -> None:
    service.rotate()
    path = folder.path / "kek-00000001.sealed"
    path.write_bytes(content or b"\x00")
    path.chmod(0o600)
    with pytest.raises(SealedKeyError, match="backup") as caught:
        opened_of(folder, service)
    assert caught.value.path == path


def test_a_file_under_another_number_is_named(
    folder: KeyFolder, provider: SealedKeyProvider, service: Service
) -> None:
    assert provider.key_id == "sealed:1"
    (folder.path / "kek-00000001.sealed").rename(folder.path / "kek-00000002.sealed")
    with pytest.raises(SealedKeyError):
        opened_of(folder, service)


def test_files_that_vanish_under_a_running_process_are_not_made_anew(
    folder: KeyFolder, provider: SealedKeyProvider
) -> None:
    (folder.path / "kek-00000001.sealed").unlink()
    with pytest.raises(NoKeyError, match="backup"):
        provider.wrap(DEK, b"")
    assert names(folder) == []


def test_a_key_in_the_folder_is_left_for_sealed_files(folder: KeyFolder, service: Service) -> None:
    former = FileKeyProvider.open_or_create(folder.path)
    old = former.wrap(DEK, b"")
    sealed = opened_of(folder, service)
    sealed.add_key()
    moving = MovingKeyProvider(former, sealed)
    assert moving.unwrap(old, b"") == moving.unwrap(moving.wrap(DEK, b""), b"") == DEK
    assert moving.key_ids() == ("file:1", "sealed:1")
    moving.destroy("file:1")
    assert names(folder) == ["kek-00000001.sealed"]


def test_sealed_files_can_be_left(
    folder: KeyFolder, provider: SealedKeyProvider, service: Service
) -> None:
    service.rotate()
    service.rotate()
    former: FormerProvider = provider
    moving = MovingKeyProvider(former, FileKeyProvider({1: os.urandom(32)}))
    old = provider.wrap(DEK, b"")
    moving.destroy("sealed:1")
    assert names(folder) == []
    assert service.versions() == ()
    with pytest.raises(UnknownKeyError):
        moving.unwrap(old, b"")


def test_a_token_seals_the_files(folder: KeyFolder, token: SoftToken) -> None:
    provider = SealedKeyProvider(folder, token.provider())
    provider.add_key()
    blob = provider.wrap(DEK, b"")
    provider.add_key()
    assert SealedKeyProvider(folder, token.provider()).unwrap(blob, b"") == DEK
    provider.destroy("sealed:1")
    assert token.objects() == 1
    provider.close()


def test_the_repr_hides_the_keys(provider: SealedKeyProvider) -> None:
    assert repr(provider) == "SealedKeyProvider(sealed:1, keys hidden)"
