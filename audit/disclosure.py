"""Salted field disclosures and the commitment over them: all that the public log ever sees.

Each field of an event becomes a disclosure in the shape of SD-JWT (RFC 9901 section 4.2.1):
`base64url(JSON [salt, name, value])`, whose digest is SHA-256 over that ASCII string. A verifier
therefore hashes the string as it came and never serialises anything again.

Each name has a fixed place in the list of digests, and a decoy stands there when the event lacks
the field: so the list tells nothing of the kind of event, and an event holds one value of a field
at most. In a mere set, an operator could commit to two values of a field, pass the second one off
as a decoy, and show each reader another.

Three hash domains are kept apart: field, event and tree.
"""

import base64
import hashlib
import json
import os
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from uuid import UUID

FIELDS = (
    "kind",
    "at",
    "subject",
    "organisation",
    "client",
    "consent",
    "purpose",
    "basis",
    "attributes",
    "reason",
    "reference",
    "case",
    "digest",
    "actor",
    "n",
    "prev",
    "actor_n",
    "actor_prev",
    "request",
    "token",
    "on_behalf_of",
    "mandate",
    "policy",
    "visible_from",
)
"""The names, in the order of their places. A new name takes the next place; none is ever moved."""

DIGESTS = 24
"""How many places each event has: one for each name."""

LEAF_PREFIX = b"consent-vault/event/v1 "
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_COMMITMENT_DOMAIN = b"consent-vault/audit-event/v1\x00"
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_PLACES = {name: place for place, name in enumerate(FIELDS)}
_SALT_BYTES, _SALT_CHARS = 18, 24  # whole groups of base64, so that one call makes all salts
_DIGEST_BYTES = 32

FieldValue = str | list[str]


class DisclosureError(ValueError):
    """A text that is not a disclosure of ours, or a name that no event has."""


class UncommittedError(DisclosureError):
    """A disclosure that the event does not commit to, or not at the place of its name."""


def disclose(fields: Mapping[str, FieldValue]) -> dict[str, str]:
    """A disclosure for each field, by name, with a random salt of 144 bits.

    Salt and field stand nowhere but in the sealed part of the event, so they die with its key.
    """
    salts = _b64(os.urandom(_SALT_BYTES * len(fields)))
    return {
        name: _disclosure(salts[i * _SALT_CHARS : (i + 1) * _SALT_CHARS], name, value)
        for i, (name, value) in enumerate(fields.items())
    }


def field_of(disclosure: str) -> tuple[str, FieldValue]:
    """Name and value of a disclosure in the form of RFC 9901. Raises DisclosureError."""
    try:
        # From text, since from bytes the parser would take UTF-16 and UTF-32 too.
        array = json.loads(_unb64(disclosure).decode("utf-8"))
    except (ValueError, RecursionError) as error:
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


def digests(disclosures: Mapping[str, str]) -> list[bytes]:
    """All digests of an event, decoys included. Raises DisclosureError for an unknown name.

    Decoys are random (RFC 9901 section 4.2.5): nobody, ourselves included, can tell them later.
    """
    decoys = os.urandom(_DIGEST_BYTES * DIGESTS)
    placed = split_digests(decoys)
    for name, disclosure in disclosures.items():
        placed[_place(name)] = digest(disclosure)
    return placed


def check_committed(name: str, disclosure: str, all_digests: Sequence[bytes]) -> None:
    """Raises UncommittedError unless the disclosure's digest stands at the place of its name."""
    if _place(name) >= len(all_digests) or all_digests[_place(name)] != digest(disclosure):
        raise UncommittedError(name)


def split_digests(stored: bytes) -> list[bytes]:
    """The digests of an event as they are stored one after the other."""
    return [stored[i : i + _DIGEST_BYTES] for i in range(0, len(stored), _DIGEST_BYTES)]


def commitment(event_id: UUID, all_digests: Sequence[bytes]) -> bytes:
    """The event's commitment: 32 bytes over its id and its digests, each at its place.

    The id is random and says nothing; with it in here, rows that refer to the event cannot be
    moved to another one, also after its key is destroyed.
    """
    content = event_id.bytes + b"".join(all_digests)
    return hashlib.sha256(_COMMITMENT_DOMAIN + content).digest()


def leaf(event_commitment: bytes) -> bytes:
    """What the tree holds for an event: a short ASCII text with the version and the commitment."""
    return LEAF_PREFIX + _b64(event_commitment).encode("ascii")


def _disclosure(salt: str, name: str, value: FieldValue) -> str:
    written = encode_basestring(value) if isinstance(value, str) else _encode(value)
    return _b64(f'["{salt}","{name}",{written}]'.encode())


def _place(name: str) -> int:
    if name not in _PLACES:
        raise DisclosureError("no place for this name")
    return _PLACES[name]


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
