"""A sealed file opens whole, under its key and with its header, or not at all."""

import hashlib
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vault import cobblestone
from vault.envelope import ChangedError, MisplacedError, SealError, TruncatedError, join_parts
from vault.sealed_file import (
    LONGEST_HEADER,
    MAGIC,
    NotSealedFileError,
    read_header,
    read_sealed,
    write_sealed,
)

KEY = bytes(range(32))
HEADER = b'{"made_at": "2026-11-24"}'
CHUNK = 16_384


def sealed(plain: bytes, header: bytes = HEADER, key: bytes = KEY) -> bytes:
    file = io.BytesIO()
    write_sealed(file, header, key, [plain[:7], plain[7:]])
    return file.getvalue()


def opened(content: bytes, key: bytes = KEY) -> bytes:
    file = io.BytesIO(content)
    return b"".join(read_sealed(file, read_header(file), key))


@given(st.binary(max_size=3 * CHUNK), st.binary(max_size=200))
def test_what_was_sealed_is_opened(plain: bytes, header: bytes) -> None:
    content = sealed(plain, header)
    assert read_header(io.BytesIO(content)) == header
    assert opened(content) == plain


def test_its_bytes_stand_where_the_table_says() -> None:
    content = sealed(b"")
    assert content[:24] == MAGIC
    assert content[24:28] == len(HEADER).to_bytes(4, "big")
    assert content[28 : 28 + len(HEADER)] == HEADER
    assert len(content) == 28 + len(HEADER) + 24 + 32 + 16


def test_the_digest_is_of_the_plain_content() -> None:
    digest = write_sealed(io.BytesIO(), HEADER, KEY, [b"a", b"bc"])
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_file_that_was_cut_does_not_open(size: int) -> None:
    content = sealed(os.urandom(size))
    ends = {*range(28 + len(HEADER) + 57), len(content) - 1, len(content) - 16}
    ends |= {28 + len(HEADER) + 56 + (CHUNK + 16) * chunk for chunk in range(size // CHUNK + 1)}
    for end in ends:
        with pytest.raises(SealError):
            opened(content[: min(end, len(content) - 1)])


@pytest.mark.parametrize(
    ("place", "error"),
    [
        (0, NotSealedFileError),
        (24, NotSealedFileError),
        (28, MisplacedError),
        (28 + len(HEADER), MisplacedError),
        (28 + len(HEADER) + 24, MisplacedError),
        (28 + len(HEADER) + 56, ChangedError),
        (-1, ChangedError),
    ],
)
def test_a_changed_bit_is_found_where_it_is(place: int, error: type[SealError]) -> None:
    content = bytearray(sealed(b"plain"))
    content[place] ^= 1
    with pytest.raises(error):
        opened(bytes(content))


def test_the_header_of_another_file_does_not_fit() -> None:
    other = HEADER.replace(b"24", b"25")
    with pytest.raises(MisplacedError):
        opened(sealed(b"plain").replace(HEADER, other))


def test_another_key_does_not_open() -> None:
    with pytest.raises(MisplacedError):
        opened(sealed(b"plain"), key=bytes(32))


def test_lengthened_it_does_not_open() -> None:
    with pytest.raises(ChangedError):
        opened(sealed(b"plain") + b"\0")


def test_the_version_to_come_is_not_taken_for_this_one() -> None:
    with pytest.raises(NotSealedFileError):
        opened(sealed(b"plain").replace(b"/v1", b"/v2"))


def test_a_header_is_of_bounded_length() -> None:
    assert len(sealed(b"", bytes(LONGEST_HEADER))) > LONGEST_HEADER
    with pytest.raises(ValueError, match="65,536"):
        write_sealed(io.BytesIO(), bytes(LONGEST_HEADER + 1), KEY, [])


def test_an_empty_file_is_none() -> None:
    with pytest.raises(NotSealedFileError):
        opened(b"")
    with pytest.raises(TruncatedError):
        opened(MAGIC)


def test_an_independent_opener_reads_it() -> None:
    context = join_parts(b"vault/backup/1", hashlib.sha256(MAGIC + HEADER).digest())
    plain = os.urandom(2 * CHUNK + 5)
    assert cobblestone.unseal(KEY, context, sealed(plain)[28 + len(HEADER) :]) == plain
