"""The envelope against published vectors, an independent opener, frozen answers and damage."""

import base64
import hashlib
import json
import os
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import cryptography_vectors
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from policies.ids import DatasetId, PersonId, RecordId
from tests.vault import cobblestone
from vault.envelope import (
    ChangedError,
    KeyVersionError,
    MisplacedError,
    Place,
    SealError,
    TruncatedError,
    UnknownFormatError,
    decrypt,
    encrypt,
    join_parts,
    seal,
    unseal,
)

KEY = bytes(range(32))
SALT = bytes(range(100, 124))
PLACE = Place(
    installation="demo",
    person=PersonId(UUID(int=1)),
    dataset=DatasetId("income"),
    record=RecordId(UUID(int=2)),
    version=3,
    field="income.monthly_gross",
    key_version=4,
    content_type="application/json",
)
PLAIN = b'{"value":256000}'

# Made once from the specification with the salt above; they hold the byte format still.
FROZEN_CONTEXT = bytes.fromhex(
    "000e7661756c742f7265636f72642f31000101000464656d6f0010000000000000000000000000000000010006696e"
    "636f6d65001000000000000000000000000000000002000800000000000000030014696e636f6d652e6d6f6e74686c"
    "795f67726f737300040000000400106170706c69636174696f6e2f6a736f6e"
)
FROZEN_SEALED = bytes.fromhex(
    "0100000004"
    "6465666768696a6b6c6d6e6f707172737475767778797a7b"
    "1a16727900e5605ba7ab5954ec89ff0ddf9cc6a7b0f6a7eca109998a1dc20954"
    "8112eaca5bec4e688ceafade441efa4318f3dd77b13b0a0bfcdbf3b1adb7c8e2"
)
FROZEN_SHA256 = {
    0: "3a8e892fa6db15104695192c100d19686b1b20163dca0321c3dff5b3246d5398",
    1: "304478fb6c3395e9cd5f0a424075ad3c6e04c10efacceec18502d408c47df2fc",
    100: "ace4e091776e33db07c88e70404bdd29abf6c2aa558c69c7ef74861a1661abaa",
    16383: "2c79aa66c3609504533510b9d0c7377cc3121d282b71e65890a69b141f8f5c33",
    16384: "f590b4fbab8e4f811961dde742ba9d6fc5cf35036edc37e93e9a2e4e2fc29e5b",
    16385: "bfec28f70d2f6aede82afed44fa7d985c83610effd0dcba3fdc5eb9c7ccd1a8d",
    32768: "fa0bf34ba3b5bbcfc94ed714194abe8b237a269c33ce8a52e41f7b538155182a",
    40000: "e34501b9ffbc82f7b8926a5d60e06f20459d8ec04b0080249088cd9e05d556d1",
}
LENGTHS = sorted(FROZEN_SHA256)


def published(expect: str) -> list[Any]:
    """Vectors of the specification (package cryptography-vectors), of the instance with SHA-256."""
    file = Path(cryptography_vectors.__file__).parent / "chunked-encryption" / "vectors.json"
    vectors = json.loads(file.read_text())["vectors"]
    return [
        pytest.param(vector, id=vector["name"])
        for vector in vectors
        if vector["aead"] == "AEAD_AES_256_GCM" and vector["expect"] == expect
    ]


def open_published(vector: dict[str, Any]) -> bytes:
    message = base64.b64decode(vector["ciphertext"] or "")
    if vector.get("compressed"):
        message = zlib.decompress(message)
    key, context = bytes.fromhex(vector["key"]), vector["context"].encode()
    if len(key) != 32:
        raise ValueError("key size")
    return cobblestone.unseal(key, context, message, algorithm=SHA256())


@pytest.mark.parametrize("vector", published("success"))
def test_the_independent_opener_reads_the_published_vectors(vector: dict[str, Any]) -> None:
    assert hashlib.sha256(open_published(vector)).hexdigest() == vector["payload_sha256"]


@pytest.mark.parametrize("vector", published("failure"))
def test_the_independent_opener_refuses_the_published_faults(vector: dict[str, Any]) -> None:
    with pytest.raises((ValueError, InvalidTag)):
        open_published(vector)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_independent_opener_reads_what_we_encrypt(length: int) -> None:
    plain = os.urandom(length)
    assert cobblestone.unseal(KEY, b"context", encrypt(KEY, b"context", plain)) == plain


@pytest.mark.parametrize("length", LENGTHS)
def test_we_read_what_the_frozen_answers_hold(length: int) -> None:
    plain = bytes(i % 251 for i in range(length))
    message = cobblestone.seal(KEY, b"ctx", plain, salt=SALT)
    assert hashlib.sha256(message).hexdigest() == FROZEN_SHA256[length]
    assert decrypt(KEY, b"ctx", message) == plain


def test_the_context_is_frozen() -> None:
    assert PLACE.context() == FROZEN_CONTEXT


def test_the_sealed_record_is_frozen() -> None:
    assert unseal(KEY, PLACE, FROZEN_SEALED) == PLAIN


def test_the_layout_is_format_key_version_salt_commitment_chunk() -> None:
    sealed = seal(KEY, PLACE, PLAIN)
    assert sealed[:5] == bytes.fromhex("0100000004")
    assert len(sealed) == 5 + 24 + 32 + len(PLAIN) + 16
    assert cobblestone.unseal(KEY, PLACE.context(), sealed[5:]) == PLAIN


def test_a_key_in_a_bytearray_opens_too() -> None:
    assert unseal(bytearray(KEY), PLACE, seal(bytearray(KEY), PLACE, PLAIN)) == PLAIN


def test_the_same_value_never_looks_the_same_twice() -> None:
    assert seal(KEY, PLACE, PLAIN) != seal(KEY, PLACE, PLAIN)


@given(plain=st.binary(max_size=200))
def test_opening_undoes_sealing(plain: bytes) -> None:
    assert unseal(KEY, PLACE, seal(KEY, PLACE, plain)) == plain


def test_every_changed_bit_is_found() -> None:
    sealed = seal(KEY, PLACE, PLAIN)
    for bit in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealError) as caught:
            unseal(KEY, PLACE, bytes(damaged))
        assert caught.type is expected_error(bit // 8)


def expected_error(byte: int) -> type[SealError]:
    if byte == 0:
        return UnknownFormatError
    if byte < 5:
        return KeyVersionError
    return MisplacedError if byte < 61 else ChangedError


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, installation="another"),
        replace(PLACE, person=PersonId(UUID(int=9))),
        replace(PLACE, dataset=DatasetId("studies")),
        replace(PLACE, record=RecordId(UUID(int=9))),
        replace(PLACE, version=2),
        replace(PLACE, field="income.yearly_total"),
        replace(PLACE, content_type="text/plain"),
    ],
    ids=["installation", "person", "data set", "record", "version", "attribute", "content type"],
)
def test_a_sealed_value_that_was_moved_does_not_open(elsewhere: Place) -> None:
    with pytest.raises(MisplacedError):
        unseal(KEY, elsewhere, seal(KEY, PLACE, PLAIN))


def test_another_version_of_the_key_is_named() -> None:
    with pytest.raises(KeyVersionError):
        unseal(KEY, replace(PLACE, key_version=5), seal(KEY, PLACE, PLAIN))


def test_a_rewritten_key_version_does_not_open() -> None:
    sealed = bytearray(seal(KEY, PLACE, PLAIN))
    sealed[4] = 5
    with pytest.raises(MisplacedError):
        unseal(KEY, replace(PLACE, key_version=5), bytes(sealed))


def test_another_key_does_not_open() -> None:
    with pytest.raises(MisplacedError):
        unseal(bytes(32), PLACE, seal(KEY, PLACE, PLAIN))


@pytest.mark.parametrize("version", [0, 2, 255])
def test_an_unknown_format_is_named(version: int) -> None:
    with pytest.raises(UnknownFormatError):
        unseal(KEY, PLACE, bytes([version]) + seal(KEY, PLACE, PLAIN)[1:])


def test_the_format_is_told_before_anything_that_follows_it() -> None:
    with pytest.raises(UnknownFormatError):
        unseal(KEY, PLACE, bytes.fromhex("0200000004"))


@pytest.mark.parametrize("length", [0, 1, 4, 5, 29, 61, 76])
def test_less_than_the_shortest_message_is_named_truncated(length: int) -> None:
    with pytest.raises(TruncatedError):
        unseal(KEY, PLACE, seal(KEY, PLACE, PLAIN)[:length])


@pytest.mark.parametrize("length", [77, 92])
def test_a_cut_inside_the_value_is_found(length: int) -> None:
    with pytest.raises(ChangedError):
        unseal(KEY, PLACE, seal(KEY, PLACE, PLAIN)[:length])


def test_bytes_after_the_end_are_found() -> None:
    with pytest.raises(ChangedError):
        unseal(KEY, PLACE, seal(KEY, PLACE, PLAIN) + b"\x00")


@pytest.mark.parametrize("damage", ["first chunk", "swapped", "last chunk missing"])
def test_damage_in_a_long_value_is_found(damage: str) -> None:
    size = cobblestone.CHUNK + cobblestone.TAG
    message = encrypt(KEY, b"", bytes(2 * cobblestone.CHUNK + 1))
    head, rest = message[:56], message[56:]
    first, second, last = rest[:size], rest[size : 2 * size], rest[2 * size :]
    damaged = {
        "first chunk": head + bytes(size) + second + last,
        "swapped": head + second + first + last,
        "last chunk missing": head + first + second,
    }[damage]
    with pytest.raises(ChangedError):
        decrypt(KEY, b"", damaged)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_a_programming_error(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        encrypt(bytes(length), b"", b"")


def test_an_error_holds_neither_value_nor_key() -> None:
    with pytest.raises(SealError) as caught:
        unseal(bytes(32), PLACE, seal(KEY, PLACE, PLAIN))
    assert "256000" not in repr(caught.value)


@given(left=st.lists(st.binary(max_size=4)), right=st.lists(st.binary(max_size=4)))
def test_different_parts_never_join_to_the_same_bytes(
    left: list[bytes], right: list[bytes]
) -> None:
    assert (join_parts(*left) == join_parts(*right)) == (left == right)


def test_a_part_that_is_too_long_for_its_length_is_refused() -> None:
    with pytest.raises(OverflowError):
        join_parts(bytes(65536))
