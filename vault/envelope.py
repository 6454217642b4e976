"""The envelope of everything sealed: Cobblestone-256 behind a header of ours. Pure.

Sealed record, version 1:

| offset | size        | field                                                             |
|--------|-------------|-------------------------------------------------------------------|
| 0      | 1           | format, `01`                                                      |
| 1      | 4           | version of the person's key, u32 big-endian                       |
| 5      | 24          | salt, random                                                      |
| 29     | 32          | commitment to key, salt and context                               |
| 61     | n + 16 each | AES-256-GCM chunks of 16 KiB, the last one shorter, perhaps empty |

From offset 5 on it is what `cryptography.cobblestone` gives out (C2SP chunked-encryption@v1,
algorithm AEAD_AES_256_GCM): the key of each record is derived from the person's key, salt and
context, and the commitment admits one key and one context only. The context is never stored but
built again from where the bytes lie, so a sealed value that was moved to another person, record
or version does not open there. A whole row put back to what it was is not seen here; the log is
there for that, which has the SHA-256 of what was written.
"""

import struct
from dataclasses import dataclass

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from policies.ids import DatasetId, PersonId, RecordId

FORMAT = 1
_HEADER = struct.Struct(">BI")
_COMMITTED = 24 + 32
_TAG = 16


class SealError(ValueError):
    """Sealed bytes that do not open; the subclass says why, and none of them holds a value."""


class UnknownFormatError(SealError):
    """The first byte names a format that this version does not know."""


class TruncatedError(SealError):
    """Shorter than the shortest sealed value can be."""


class KeyVersionError(SealError):
    """The header names another version of the key than the row does."""


class MisplacedError(SealError):
    """Sealed under another key or for another place: person, record, version, installation.

    Changed bits in salt or commitment look the same.
    """


class ChangedError(SealError):
    """Key and place are right, and the ciphertext was changed, cut or lengthened."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value belongs. Only the very same place opens it."""

    installation: str
    person: PersonId
    dataset: DatasetId
    record: RecordId
    version: int
    field: str
    """The attribute, empty for a whole record."""
    key_version: int
    content_type: str

    def context(self) -> bytes:
        """The place in bytes, every part with its length before it, so that nothing can slide."""
        return join_parts(
            b"vault/record/1",
            bytes([FORMAT]),
            self.installation.encode(),
            self.person.bytes,
            self.dataset.encode(),
            self.record.bytes,
            self.version.to_bytes(8, "big"),
            self.field.encode(),
            self.key_version.to_bytes(4, "big"),
            self.content_type.encode(),
        )


def join_parts(*parts: bytes) -> bytes:
    """The parts in one, each behind its length as u16 big-endian."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def seal(key: bytes | bytearray, place: Place, plain: bytes) -> bytes:
    """The plain bytes, sealed for the place under the person's key (32 bytes)."""
    return _HEADER.pack(FORMAT, place.key_version) + encrypt(key, place.context(), plain)


def unseal(key: bytes | bytearray, place: Place, sealed: bytes) -> bytes:
    """The plain bytes again. Raises a SealError."""
    if len(sealed) < _HEADER.size:
        raise TruncatedError
    version, key_version = _HEADER.unpack_from(sealed)
    if version != FORMAT:
        raise UnknownFormatError
    if key_version != place.key_version:
        raise KeyVersionError
    return decrypt(key, place.context(), sealed[_HEADER.size :])


def encrypt(key: bytes | bytearray, context: bytes, plain: bytes) -> bytes:
    """Cobblestone-256: salt, commitment and chunks, without a header."""
    encryptor = Cobblestone256Encryptor(key, context)
    return encryptor.update(plain) + encryptor.finalize()


def decrypt(key: bytes | bytearray, context: bytes, message: bytes) -> bytes:
    """Undo `encrypt`. Raises TruncatedError, MisplacedError or ChangedError."""
    if len(message) < _COMMITTED + _TAG:
        raise TruncatedError
    decryptor = Cobblestone256Decryptor(key, context)
    try:
        # The head alone first: only the commitment can fail here, so the error can say what is
        # wrong.
        decryptor.update(message[:_COMMITTED])
    except InvalidTag as error:
        raise MisplacedError from error
    try:
        return decryptor.update(message[_COMMITTED:]) + decryptor.finalize()
    except InvalidTag as error:
        raise ChangedError from error
