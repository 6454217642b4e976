"""Keys that change: the newest signs first, older ones too, and a retired one leaves its half."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vault.providers.file import KeyFileError, KeyFolder, KeyPermissionsError
from vault.providers.rotation import RotatedKeys


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder.open_or_create(tmp_path / "keys")


@pytest.fixture
def keys(folder: KeyFolder) -> RotatedKeys[Ed25519PrivateKey]:
    return RotatedKeys(folder, "log", "ed25519")


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def names(folder: KeyFolder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def test_the_first_key_is_made_once_and_is_the_one_that_stood_there_before_keys_rotated(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    before = folder.private_key("log", "ed25519")
    assert [public(key) for key in keys.signing()] == [public(before)]
    assert names(folder) == ["log.pem"]


def test_a_new_key_stands_before_the_old_one(keys: RotatedKeys[Ed25519PrivateKey]) -> None:
    [old] = keys.signing()
    new = keys.draw()
    keys.add(new)
    assert [public(key) for key in keys.signing()] == [public(new), public(old)]
    assert keys.retired() == []


def test_a_key_that_was_only_drawn_is_nowhere(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    keys.signing()
    keys.draw()
    assert names(folder) == ["log.pem"]


def test_a_retired_key_leaves_its_public_half_and_no_private_one(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    [old] = keys.signing()
    new = keys.draw()
    keys.add(new)
    keys.retire_older()
    assert names(folder) == ["log-00000001.pub", "log-00000002.pem"]
    assert [public(key) for key in keys.signing()] == [public(new)]
    assert [key.public_bytes_raw() for key in keys.retired()] == [public(old)]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.path.iterdir())


def test_numbers_go_on_after_a_retirement_and_no_first_key_is_made_again(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    keys.signing()
    for _ in range(3):
        keys.add(keys.draw())
        keys.retire_older()
    assert names(folder) == [
        "log-00000001.pub", "log-00000002.pub", "log-00000003.pub", "log-00000004.pem",
    ]  # fmt: skip
    assert len(keys.retired()) == 3


def test_a_retirement_that_stopped_half_way_goes_on(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    """The public half is on the disk, the private one still there: the key signs as before."""
    [old] = keys.signing()
    keys.add(keys.draw())
    half = old.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    folder.create(folder.path_of("log-00000001", "pub"), half)
    assert len(keys.signing()) == 2
    assert keys.retired() == []
    keys.retire_older()
    assert [key.public_bytes_raw() for key in keys.retired()] == [public(old)]


def test_there_is_nothing_older_than_one_key(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    keys.signing()
    keys.retire_older()
    assert names(folder) == ["log.pem"]


def test_keys_for_ml_dsa_rotate_alike(folder: KeyFolder) -> None:
    keys: RotatedKeys[MLDSA44PrivateKey] = RotatedKeys(folder, "log-ml-dsa-44", "ml-dsa-44")
    [old] = keys.signing()
    keys.add(keys.draw())
    keys.retire_older()
    assert [key.public_bytes_raw() for key in keys.retired()] == [
        old.public_key().public_bytes_raw()
    ]
    assert names(folder) == ["log-ml-dsa-44-00000001.pub", "log-ml-dsa-44-00000002.pem"]


def test_the_keys_of_one_name_are_not_those_of_a_longer_one(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    other: RotatedKeys[MLDSA44PrivateKey] = RotatedKeys(folder, "log-ml-dsa-44", "ml-dsa-44")
    other.signing()
    other.add(other.draw())
    assert len(keys.signing()) == 1


P256 = generate_private_key(SECP256R1()).public_key()


@pytest.mark.parametrize(
    "content",
    [b"nothing", P256.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)],
    ids=["no key", "a key of another kind"],
)
def test_a_public_half_that_is_none_is_an_error_that_names_the_file(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey], content: bytes
) -> None:
    keys.signing()
    folder.create(folder.path_of("log-00000007", "pub"), content)
    with pytest.raises(KeyFileError, match=r"log-00000007\.pub"):
        keys.retired()


def test_a_key_of_another_kind_is_an_error(folder: KeyFolder) -> None:
    RotatedKeys[Ed25519PrivateKey](folder, "log", "ed25519").signing()
    with pytest.raises(KeyFileError, match="kind ml-dsa-44"):
        RotatedKeys[MLDSA44PrivateKey](folder, "log", "ml-dsa-44").signing()


def test_a_key_that_others_may_read_is_refused(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    keys.signing()
    keys.add(keys.draw())
    (folder.path / "log-00000002.pem").chmod(0o640)
    with pytest.raises(KeyPermissionsError):
        keys.signing()


def test_a_file_that_is_gone_when_it_is_read_is_an_error(
    folder: KeyFolder, keys: RotatedKeys[Ed25519PrivateKey]
) -> None:
    (folder.path / "log-00000002.pem").symlink_to(folder.path / "nowhere")
    with pytest.raises(KeyFileError, match="gone"):
        keys.signing()
