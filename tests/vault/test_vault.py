"""The handle: keys are wiped, bound to their person and never shown."""

import os
from uuid import UUID

import pytest

from policies.ids import PersonId
from tests.vault.given import catalogue, new_vault
from vault.envelope import MisplacedError
from vault.keys import wipe
from vault.providers.file import FileKeyProvider
from vault.vault import Vault

AINO = PersonId(UUID(int=1))
VILLE = PersonId(UUID(int=2))


def test_a_person_key_opens_again_for_the_same_person_and_version() -> None:
    vault = new_vault()
    key, wrapped = vault.new_person_key(AINO, 1)
    with vault.person_key(AINO, 1, wrapped) as opened:
        assert opened == key


def test_every_person_key_is_another() -> None:
    vault = new_vault()
    assert vault.new_person_key(AINO, 1)[0] != vault.new_person_key(AINO, 1)[0]


@pytest.mark.parametrize(("person", "version"), [(VILLE, 1), (AINO, 2)])
def test_a_wrapped_key_moved_elsewhere_does_not_open(person: PersonId, version: int) -> None:
    vault = new_vault()
    _, wrapped = vault.new_person_key(AINO, 1)
    with pytest.raises(MisplacedError), vault.person_key(person, version, wrapped):
        pass


def test_another_installation_does_not_open_the_key() -> None:
    provider, index_key = FileKeyProvider({1: os.urandom(32)}), os.urandom(32)
    one, other = (
        Vault(provider=provider, index_key=index_key, installation=name, catalogue=catalogue())
        for name in ("one", "other")
    )
    _, wrapped = one.new_person_key(AINO, 1)
    with pytest.raises(MisplacedError), other.person_key(AINO, 1, wrapped):
        pass


def test_the_key_is_zeroed_after_its_block() -> None:
    vault = new_vault()
    _, wrapped = vault.new_person_key(AINO, 1)
    with vault.person_key(AINO, 1, wrapped) as key:
        pass
    assert key == bytes(32)


def test_the_key_is_zeroed_when_the_block_fails() -> None:
    vault = new_vault()
    _, wrapped = vault.new_person_key(AINO, 1)
    with pytest.raises(RuntimeError), vault.person_key(AINO, 1, wrapped) as key:
        raise RuntimeError
    assert key == bytes(32)


def test_the_key_of_a_file_opens_again_and_is_zeroed_after_its_block() -> None:
    vault = new_vault()
    key, wrapped = vault.new_file_key()
    with vault.file_key(wrapped) as opened:
        assert opened == key
        assert key != bytes(32)
    assert opened == bytes(32)


def test_the_key_of_a_file_is_no_key_of_a_person_nor_of_another_vault() -> None:
    vault = new_vault()
    _, wrapped = vault.new_file_key()
    with pytest.raises(MisplacedError), vault.person_key(AINO, 1, wrapped):
        pass
    with pytest.raises(MisplacedError), new_vault().file_key(wrapped):
        pass


def test_wiping_keeps_the_length() -> None:
    key = bytearray(b"secret")
    wipe(key)
    assert key == bytes(6)


def test_a_blind_digest_is_the_same_only_under_the_same_key_label_and_parts() -> None:
    vault = new_vault()
    digest = vault.blind("label", b"a", b"bc")
    assert digest == vault.blind("label", b"a", b"bc")
    others = [
        vault.blind("other", b"a", b"bc"),
        vault.blind("label", b"ab", b"c"),
        vault.blind("label", b"abc"),
        new_vault().blind("label", b"a", b"bc"),
    ]
    assert digest not in others


def test_neither_repr_nor_str_shows_a_key() -> None:
    index_key, key = b"I" * 32, b"K" * 32
    provider = FileKeyProvider({1: key})
    vault = Vault(
        provider=provider, index_key=index_key, installation="test", catalogue=catalogue()
    )
    for shown in (repr(vault), str(vault), repr(provider), str(provider)):
        assert "III" not in shown
        assert "KKK" not in shown
    assert repr(vault) == "Vault('test', keys hidden)"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_an_index_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(
            provider=FileKeyProvider({1: bytes(32)}),
            index_key=bytes(length),
            installation="test",
            catalogue=catalogue(),
        )
