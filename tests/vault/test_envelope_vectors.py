"""Known answers: those that NIST published for the cipher, and our own for the byte formats.

The cipher below the envelope is held against them three times: as the library gives it, as it is
written anew in plain Python, and inside a token. Our own (tests/vectors/envelope.json) were made
by code that shares none with the vault; a format that changes breaks them.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import cryptography_vectors
import pkcs11
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

import vault.envelope
from policies.ids import DatasetId, PersonId, RecordId
from tests.softhsm import GCM_USE, WRAP_USE, SoftToken
from tests.vault import cobblestone, gcm
from tests.vault.providers.every import MemoryService
from vault.envelope import (
    MisplacedError,
    Place,
    SealError,
    TruncatedError,
    UnknownFormatError,
    encrypt,
    unseal,
)
from vault.keys import KeyProvider
from vault.providers.file import FileKeyProvider
from vault.providers.pkcs11_key import TokenKey
from vault.providers.service import ServiceKeyProvider

OWN = json.loads((Path(__file__).parents[1] / "vectors" / "envelope.json").read_text())
RECORDS = {each["name"]: each for each in OWN["records"]}
WRAPPED = {each["format"]: each for each in OWN["wrapped_keys"]}
ERRORS: dict[str, type[SealError]] = {
    name: made
    for name, made in vars(vault.envelope).items()
    if isinstance(made, type) and issubclass(made, SealError)
}


def published(file: str) -> Iterator[dict[str, bytes]]:
    """NIST's CAVP vectors (package cryptography-vectors): 256 bits, IV of 96, tag of 128."""
    folder = Path(cryptography_vectors.__file__).parent / "ciphers" / "AES" / "GCM"
    sizes, case = dict[str, str](), dict[str, bytes]()
    for line in (folder / file).read_text().splitlines():
        name, is_member, value = (part.strip() for part in line.strip("[]").partition("="))
        if line.startswith("["):
            sizes[name] = value
        elif line == "FAIL":
            case["FAIL"] = b""
        elif is_member and name != "Count":
            case[name] = bytes.fromhex(value)
        elif not line and case:
            if (sizes["IVlen"], sizes["Taglen"]) == ("96", "128"):
                yield case
            case = {}


DECRYPT = list(published("gcmDecrypt256.rsp"))
ENCRYPT = list(published("gcmEncryptExtIV256.rsp"))


def by_the_library(key: bytes, iv: bytes, message: bytes, bound: bytes) -> bytes:
    return AESGCM(key).decrypt(iv, message, bound)


@pytest.mark.parametrize("decrypt", [by_the_library, gcm.decrypt], ids=["library", "anew"])
def test_the_cipher_opens_what_nist_published_and_refuses_what_it_says(
    decrypt: cobblestone.Decrypt,
) -> None:
    assert len(DECRYPT) > 300
    assert sum("FAIL" in case for case in DECRYPT) > 100
    for case in DECRYPT:
        message = case["CT"] + case["Tag"]
        if "FAIL" in case:
            with pytest.raises((InvalidTag, gcm.TagError)):
                decrypt(case["Key"], case["IV"], message, case["AAD"])
        else:
            assert decrypt(case["Key"], case["IV"], message, case["AAD"]) == case["PT"]


def test_the_cipher_seals_as_nist_published() -> None:
    assert len(ENCRYPT) > 300
    for case in ENCRYPT:
        sealed = case["CT"] + case["Tag"]
        key, iv, plain, bound = (case[name] for name in ("Key", "IV", "PT", "AAD"))
        assert gcm.encrypt(key, iv, plain, bound) == sealed
        assert AESGCM(key).encrypt(iv, plain, bound) == sealed


def test_a_token_opens_what_nist_published_and_refuses_what_it_says(token: SoftToken) -> None:
    with_data = [case for case in DECRYPT if case["CT"]][:60]
    assert any("FAIL" in case for case in with_data)
    for number, case in enumerate(with_data):
        token.put(case["Key"], number.to_bytes(4, "big"), **GCM_USE)
    with token.by_hand() as session:
        for found in list(session.get_objects()):
            case = with_data[int.from_bytes(found[pkcs11.Attribute.ID], "big")]
            key = TokenKey(0, found, by_gcm=True)
            sealed = case["IV"] + case["CT"] + case["Tag"]
            if "FAIL" in case:
                with pytest.raises(pkcs11.PKCS11Error):
                    key._opened(sealed, case["AAD"])
            else:
                assert key._opened(sealed, case["AAD"]) == case["PT"]


@given(plain=st.binary(max_size=70), context=st.binary(max_size=20))
def test_an_opener_that_shares_nothing_reads_what_we_seal(plain: bytes, context: bytes) -> None:
    key = bytes(range(32))
    sealed = encrypt(key, context, plain)
    assert cobblestone.unseal(key, context, sealed, decrypt=gcm.decrypt) == plain


def test_an_opener_that_shares_nothing_reads_a_value_of_two_chunks() -> None:
    key, plain = bytes(range(32)), bytes(i % 251 for i in range(cobblestone.CHUNK + 5))
    sealed = encrypt(key, b"context", plain)
    assert cobblestone.unseal(key, b"context", sealed, decrypt=gcm.decrypt) == plain


def place_of(members: dict[str, Any]) -> Place:
    return Place(
        installation=members["installation"],
        person=PersonId(UUID(members["person"])),
        dataset=DatasetId(members["dataset"]),
        record=RecordId(UUID(members["record"])),
        version=members["version"],
        field=members["field"],
        key_version=members["key_version"],
        content_type=members["content_type"],
    )


@pytest.mark.parametrize("name", RECORDS)
def test_a_known_record_opens(name: str) -> None:
    known = RECORDS[name]
    key, sealed, plain = (bytes.fromhex(known[part]) for part in ("key", "sealed", "plain"))
    place = place_of(known["place"])
    assert unseal(key, place, sealed) == plain
    assert cobblestone.unseal(key, place.context(), sealed[5:], decrypt=gcm.decrypt) == plain
    salt = bytes.fromhex(known["salt"])
    assert cobblestone.seal(key, place.context(), plain, salt=salt) == sealed[5:]


@pytest.mark.parametrize("damage", OWN["damage"], ids=lambda each: each["name"])
def test_each_kind_of_damage_is_named(damage: dict[str, Any]) -> None:
    key = bytes.fromhex(RECORDS["one attribute"]["key"])
    with pytest.raises(SealError) as named:
        unseal(key, place_of(damage["place"]), bytes.fromhex(damage["sealed"]))
    assert named.type is ERRORS[damage["error"]]
    assert "256000" not in str(named.value)
    assert key.hex() not in repr(named.value)


def test_every_error_of_the_envelope_has_a_kind_of_damage() -> None:
    assert {each["error"] for each in OWN["damage"]} == set(ERRORS) - {"SealError"}


def provider_of(wrap_format: int, token: SoftToken) -> KeyProvider:
    """A provider that holds the key-encryption key of the known answer."""
    kek, number = bytes.fromhex(WRAPPED[wrap_format]["kek"]), WRAPPED[wrap_format]["number"]
    if wrap_format == 1:
        return FileKeyProvider({number: kek})
    if wrap_format == 4:
        return ServiceKeyProvider(MemoryService({number: kek}))
    use = WRAP_USE if wrap_format == 2 else GCM_USE
    token.put(kek, number.to_bytes(4, "big"), **use)
    return token.provider()


@pytest.mark.parametrize("wrap_format", WRAPPED)
def test_a_known_wrapped_key_opens(wrap_format: int, token: SoftToken) -> None:
    known, provider = WRAPPED[wrap_format], provider_of(wrap_format, token)
    wrapped, context = bytes.fromhex(known["wrapped"]), bytes.fromhex(known["context"])
    assert provider.unwrap(wrapped, context) == bytes.fromhex(known["key"])
    assert provider.wrapped_under(wrapped) == provider.key_id
    assert wrapped[:5] == bytes([wrap_format]) + (258).to_bytes(4, "big")
    assert len(provider.wrap(bytes(32), context)) == len(wrapped)


Change = Callable[[bytes], bytes]
CHANGES: dict[str, tuple[Change, type[SealError]]] = {
    "no header": (lambda wrapped: wrapped[:4], TruncatedError),
    "a future format": (lambda wrapped: b"\x06" + wrapped[1:], UnknownFormatError),
    "the header alone": (lambda wrapped: wrapped[:5], SealError),
    "a bit behind the header": (lambda w: w[:5] + bytes([w[5] ^ 128]) + w[6:], MisplacedError),
    "the last bit": (lambda wrapped: wrapped[:-1] + bytes([wrapped[-1] ^ 1]), SealError),
    "one byte less": (lambda wrapped: wrapped[:-1], SealError),
    "one byte more": (lambda wrapped: wrapped + b"\x00", SealError),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("wrap_format", WRAPPED)
def test_a_known_wrapped_key_that_was_changed_is_named(
    wrap_format: int, change: str, token: SoftToken
) -> None:
    known, provider = WRAPPED[wrap_format], provider_of(wrap_format, token)
    changed, error = CHANGES[change]
    wrapped = changed(bytes.fromhex(known["wrapped"]))
    with pytest.raises(error) as named:
        provider.unwrap(wrapped, bytes.fromhex(known["context"]))
    assert known["key"] not in repr(named.value)
    assert known["kek"] not in repr(named.value)


@pytest.mark.parametrize("wrap_format", WRAPPED)
def test_a_known_wrapped_key_does_not_open_for_another_person(
    wrap_format: int, token: SoftToken
) -> None:
    known, provider = WRAPPED[wrap_format], provider_of(wrap_format, token)
    others = bytearray.fromhex(known["context"])
    others[-7] ^= 1  # the last byte of the person's id
    with pytest.raises(MisplacedError):
        provider.unwrap(bytes.fromhex(known["wrapped"]), bytes(others))
