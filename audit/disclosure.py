"""Salted field disclosures and the commitment over them: all that the public log ever sees.

Each field of an event becomes a disclosure in the shape of SD-JWT (RFC 9901 section 4.2.1):
`base64url(JSON [salt, name, value])`, whose digest is SHA-256 over that ASCII string. A verifier
therefore hashes the string as it came and never serialises anything again. Decoy digests pad
the list to a fixed length, so that the number of fields does not tell the kind of event.

Three hash domains are kept apart: field, event and tree.
"""

import base64
import hashlib
import json
import os
from binascii import b2a_base64
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring
from uuid import UUID

DIGESTS = 20
"""How many digests each event has, decoys included."""

LEAF_PREFIX = b"consent-vault/event/v1 "
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_COMMITMENT_DOMAIN = b"consent-vault/audit-event/v1\x00"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SALT_BYTES, _SALT_CHARS = 18, 24  # whole groups of base64, so that one call makes all salts
_DIGEST_BYTES = 32

FieldValue = str | list[str]


class TooManyFieldsError(ValueError):
    """An event with more fields than digests would show its kind by its length."""


class DisclosureError(ValueError):
    """A text that is not a disclosure of ours."""


def disclose(fields: Mapping[str, FieldValue]) -> list[str]:
    """A disclosure for each field, with a random salt of 144 bits.

    Salt and field stand nowhere but in the sealed part of the event, so they die with its key.
    """
    salts = _b64(os.urandom(_SALT_BYTES * len(fields)))
    return [
        _disclosure(salts[i * _SALT_CHARS : (i + 1) * _SALT_CHARS], name, value)
        for i, (name, value) in enumerate(fields.items())
    ]


def field_of(disclosure: str) -> tuple[str, FieldValue]:
    """Name and value. Raises DisclosureError for anything but what `disclose` makes."""
    try:
        array = json.loads(_unb64(disclosure))
    except ValueError as error:
        raise DisclosureError("not base64url of JSON") from error
    if not isinstance(array, list) or len(array) != 3:
        raise DisclosureError("not salt, name and value")
    salt, name, value = array
    if not isinstance(salt, str) or not isinstance(name, str) or not _is_value(value):
        raise DisclosureError("not salt, name and value")
    return name, value


def digest(disclosure: str) -> bytes:
    """SHA-256 of the disclosure as it is written, 32 bytes (RFC 9901 section 4.2.3)."""
    return hashlib.sha256(disclosure.encode("ascii")).digest()


def digests(disclosures: Iterable[str]) -> list[bytes]:
    """All digests of an event, decoys included, sorted. Raises TooManyFieldsError.

    Decoys are random (RFC 9901 section 4.2.5): nobody, ourselves included, can tell them later.
    """
    real = [digest(disclosure) for disclosure in disclosures]
    if len(real) > DIGESTS:
        raise TooManyFieldsError(len(real))
    decoys = os.urandom(_DIGEST_BYTES * (DIGESTS - len(real)))
    return sorted(
        real + [decoys[i : i + _DIGEST_BYTES] for i in range(0, len(decoys), _DIGEST_BYTES)]
    )


def split_digests(stored: bytes) -> list[bytes]:
    """The digests of an event as they are stored one after the other."""
    return [stored[i : i + _DIGEST_BYTES] for i in range(0, len(stored), _DIGEST_BYTES)]


def commitment(event_id: UUID, all_digests: Iterable[bytes]) -> bytes:
    """The event's commitment: 32 bytes over its id and its sorted digests.

    The id is random and says nothing; with it in here, rows that refer to the event cannot be
    moved to another one, also after its key is destroyed.
    """
    content = event_id.bytes + b"".join(sorted(all_digests))
    return hashlib.sha256(_COMMITMENT_DOMAIN + content).digest()


def leaf(event_commitment: bytes) -> bytes:
    """What the tree holds for an event: a short ASCII text with the version and the commitment."""
    return LEAF_PREFIX + _b64(event_commitment).encode("ascii")


def _disclosure(salt: str, name: str, value: FieldValue) -> str:
    written = encode_basestring(value) if isinstance(value, str) else _encode(value)
    return _b64(f'["{salt}","{name}",{written}]'.encode())


def _is_value(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, str)


def _unb64(text: str) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _b64(data) != text:
        raise DisclosureError("base64url not in canonical form")
    return data


def _b64(data: bytes) -> str:
    encoded = b2a_base64(data, newline=False).translate(_URL_SAFE)
    return encoded.rstrip(b"=").decode("ascii")
