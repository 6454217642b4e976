"""Salted field disclosures and the commitment over them: all that the public log ever sees.

Each field of an event becomes a disclosure in the shape of SD-JWT (RFC 9901 section 4.2.1):
`base64url(JSON [salt, name, value])`, whose digest is SHA-256 over that ASCII string. A verifier
therefore hashes the string as it came and never serialises anything again. Decoy digests pad
the list to a fixed length, so that the number of fields does not tell the kind of event.

Three hash domains are kept apart: field, event and tree.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping
from uuid import UUID

DIGESTS = 20
"""How many digests each event has, decoys included."""

LEAF_PREFIX = b"consent-vault/event/v1 "
_COMMITMENT_DOMAIN = b"consent-vault/audit-event/v1\x00"
_SALT_BYTES = 16
_DIGEST_BYTES = 32

FieldValue = str | list[str]


class TooManyFieldsError(ValueError):
    """An event with more fields than digests would show its kind by its length."""


class DisclosureError(ValueError):
    """A text that is not a disclosure of ours."""


def disclose(event_key: bytes, fields: Mapping[str, FieldValue]) -> dict[str, str]:
    """Disclosure strings by field name; salts come from the event's key, so they die with it."""
    return {
        name: _disclosure(_salt(event_key, name), name, value) for name, value in fields.items()
    }


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
    return LEAF_PREFIX + base64.urlsafe_b64encode(event_commitment).rstrip(b"=")


def _disclosure(salt: bytes, name: str, value: FieldValue) -> str:
    array = json.dumps([_b64(salt), name, value], ensure_ascii=False, separators=(",", ":"))
    return _b64(array.encode())


def _salt(event_key: bytes, name: str) -> bytes:
    return _mac(event_key, f"salt/{name}")[:_SALT_BYTES]


def _mac(key: bytes, label: str) -> bytes:
    return hmac.digest(key, label.encode(), "sha256")


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
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
