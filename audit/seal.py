"""An event's fields at rest: sealed in parts, each under the log key of the person it concerns.

Byte format of `sealed`, version 1: `01`, number of parts (1 byte), then for each part: key id
(16 bytes), length (u32 big-endian) and AES-256-GCM ciphertext of the disclosures as a JSON list.
The key of a part serves one event and one part only, so the nonce is constant; the associated
data is the event's id.
"""

import json
import struct
from collections.abc import Iterable, Iterator
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = 1
_NONCE = bytes(12)
_encode = json.JSONEncoder(separators=(",", ":")).encode
_HEAD = struct.Struct(">16sI")


class SealedEventError(ValueError):
    """Stored bytes of an event that cannot be read: cut, changed, or of another version."""


def seal_parts(event_id: UUID, parts: Iterable[tuple[UUID, bytes, list[str]]]) -> bytes:
    """Seal the parts, each given as key id, event key (32 bytes) and disclosures."""
    frames = [_frame(event_id, key_id, key, disclosures) for key_id, key, disclosures in parts]
    return bytes([_VERSION, len(frames)]) + b"".join(frames)


def split_parts(sealed: bytes) -> Iterator[tuple[UUID, bytes]]:
    """Key id and ciphertext of each part. Raises SealedEventError."""
    if len(sealed) < 2 or sealed[0] != _VERSION:
        raise SealedEventError("version")
    rest = sealed[2:]
    for _ in range(sealed[1]):
        if len(rest) < _HEAD.size:
            raise SealedEventError("length")
        key_id, length = _HEAD.unpack_from(rest)
        body, rest = rest[_HEAD.size : _HEAD.size + length], rest[_HEAD.size + length :]
        if len(body) != length:
            raise SealedEventError("length")
        yield UUID(bytes=key_id), body
    if rest:
        raise SealedEventError("length")


def open_part(event_id: UUID, key: bytes, ciphertext: bytes) -> list[str]:
    """The disclosures of a part, opened with its event key. Raises SealedEventError."""
    try:
        plain = AESGCM(key).decrypt(_NONCE, ciphertext, event_id.bytes)
    except InvalidTag as error:
        raise SealedEventError("tag") from error
    disclosures: list[str] = json.loads(plain)
    return disclosures


def _frame(event_id: UUID, key_id: UUID, key: bytes, disclosures: list[str]) -> bytes:
    plain = _encode(disclosures).encode("ascii")
    ciphertext = AESGCM(key).encrypt(_NONCE, plain, event_id.bytes)
    return _HEAD.pack(key_id.bytes, len(ciphertext)) + ciphertext
