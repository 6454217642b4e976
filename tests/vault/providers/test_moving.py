"""From one provider to another: nothing is lost on the way, and the old one can be left."""

import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.keys import KeyWrapper
from tests.softhsm import SoftToken
from tests.vault.providers.every import MemoryService
from vault.envelope import MisplacedError, TruncatedError, UnknownFormatError
from vault.keys import CurrentKeyError, KeyProvider, OutsideKeysError, UnknownKeyError
from vault.providers.environment import EnvironmentKeyProvider
from vault.providers.file import FileKeyProvider
from vault.providers.moving import FormerProvider, MovingKeyProvider
from vault.providers.service import ServiceKeyProvider

DEK = bytes(range(32))


def service() -> ServiceKeyProvider:
    return ServiceKeyProvider(MemoryService({1: os.urandom(32)}))


@pytest.fixture
def former(tmp_path: Path) -> FileKeyProvider:
    return FileKeyProvider.open_or_create(tmp_path / "keys")


@pytest.fixture
def moving(former: FileKeyProvider) -> MovingKeyProvider:
    return MovingKeyProvider(former, service())


def test_the_new_one_wraps_and_what_the_old_one_wrapped_still_opens(
    former: FileKeyProvider, moving: MovingKeyProvider
) -> None:
    for_the_vault: KeyProvider = moving
    for_the_log: KeyWrapper = moving
    old = former.wrap(DEK, b"context")
    new = for_the_vault.wrap(DEK, b"context")
    assert for_the_log.unwrap(old, b"context") == for_the_log.unwrap(new, b"context") == DEK
    assert [moving.wrapped_under(each) for each in (old, new)] == ["file:1", "memory:1"]
    assert moving.key_id == "memory:1"
    assert moving.key_ids() == ("file:1", "memory:1")


def test_new_generations_are_of_the_new_one(moving: MovingKeyProvider) -> None:
    assert moving.add_key() == "memory:2"
    assert moving.key_ids() == ("file:1", "memory:1", "memory:2")
    moving.destroy("memory:1")
    with pytest.raises(CurrentKeyError):
        moving.destroy("memory:2")
    assert moving.key_ids() == ("file:1", "memory:2")


def test_the_old_one_is_left_for_good(
    former: FileKeyProvider, moving: MovingKeyProvider, tmp_path: Path
) -> None:
    former.add_key()
    old = former.wrap(DEK, b"")
    moving.destroy("file:1")
    moving.destroy("file:2")
    assert moving.key_ids() == ("memory:1",)
    assert list((tmp_path / "keys").iterdir()) == []
    again = MovingKeyProvider(FileKeyProvider.open_existing(tmp_path / "keys"), service())
    assert again.key_ids() == ("memory:1",)
    for each in (moving, again):
        with pytest.raises(UnknownKeyError, match="file:2"):
            each.unwrap(old, b"")


@pytest.mark.parametrize("key_id", ["file:9", "memory:9", "pkcs11:1"])
def test_a_key_of_neither_is_not_destroyed(moving: MovingKeyProvider, key_id: str) -> None:
    with pytest.raises(UnknownKeyError):
        moving.destroy(key_id)


@pytest.mark.parametrize("number", [1, 2])
def test_the_secret_of_the_environment_must_be_taken_out_by_hand(number: int) -> None:
    entries = [f"{n}:{b64encode(os.urandom(32)).decode()}" for n in range(1, number + 1)]
    moving = MovingKeyProvider(EnvironmentKeyProvider.open(",".join(entries)), service())
    with pytest.raises(OutsideKeysError, match="environment:1"):
        moving.destroy("environment:1")


def test_a_token_can_be_left(token: SoftToken) -> None:
    former = token.provider()
    former.add_key()
    moving = MovingKeyProvider(former, service())
    old = former.wrap(DEK, b"")
    assert moving.unwrap(old, b"") == DEK
    moving.destroy("pkcs11:1")
    assert token.objects() == 0
    with pytest.raises(UnknownKeyError):
        moving.unwrap(old, b"")


def test_a_service_can_be_left() -> None:
    former: FormerProvider = service()
    moving = MovingKeyProvider(former, FileKeyProvider({1: os.urandom(32)}))
    old = former.wrap(DEK, b"")
    moving.destroy("memory:1")
    assert moving.key_ids() == ("file:1",)
    with pytest.raises(UnknownKeyError):
        moving.unwrap(old, b"")


def test_a_header_of_the_other_provider_does_not_open(
    former: FileKeyProvider, moving: MovingKeyProvider
) -> None:
    for blob in (former.wrap(DEK, b""), moving.wrap(DEK, b"")):
        with pytest.raises((MisplacedError, TruncatedError)):
            moving.unwrap(bytes([5 - blob[0]]) + blob[1:], b"")


@pytest.mark.parametrize(
    ("blob", "error"), [(b"", TruncatedError), (b"\x09" + bytes(60), UnknownFormatError)]
)
def test_what_neither_knows_is_named(
    moving: MovingKeyProvider, blob: bytes, error: type[Exception]
) -> None:
    uses: list[Callable[[], object]] = [
        lambda: moving.unwrap(blob, b""),
        lambda: moving.wrapped_under(blob),
    ]
    for use in uses:
        with pytest.raises(error):
            use()


def test_closing_closes_both(former: FileKeyProvider, moving: MovingKeyProvider) -> None:
    moving.close()
    assert moving.key_ids() == ("file:1", "closed:1")


def test_the_repr_hides_the_keys_of_both(moving: MovingKeyProvider) -> None:
    assert repr(moving) == (
        "MovingKeyProvider(FileKeyProvider(file:1, keys hidden), ServiceKeyProvider(memory))"
    )
