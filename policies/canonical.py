"""Canonical JSON: one value, one byte string, so that a digest can bind to it.

The form is RFC 8785 for a restricted set of values: objects with ASCII keys, arrays, strings,
integers that fit a double, booleans and null. In that set sorting by code point and Python's
escaping are the same as the standard's; floats, which are not, are refused.
"""

import hashlib
import json
import re
from collections.abc import Mapping

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which UTF-8 cannot hold (RFC 8785 section 3.2.2.2)."""
_SAFE = 2**53 - 1
"""The largest integer that every JSON reader keeps exact (RFC 8785 section 3.2.2.3)."""


class NotCanonicalError(TypeError):
    """The value has a part that has no canonical form here."""


def canonical_json(value: object) -> bytes:
    """The value as canonical JSON in UTF-8."""
    _check(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # Looked for before encoding, whose own error would carry the whole text along.
    if _HALF.search(text):
        raise NotCanonicalError("a text holds half of a surrogate pair")
    return text.encode()


def sha256_hex(value: object) -> str:
    """SHA-256 over the canonical JSON of the value, in lower-case hexadecimal."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _check(value: object) -> None:
    match value:
        case None | bool() | str():
            return
        case int() if abs(value) <= _SAFE:
            return
        case list() | tuple():
            for item in value:
                _check(item)
        case dict():
            _check_members(value)
        case _:
            raise NotCanonicalError(f"a {type(value).__name__} has no canonical form here")


def _check_members(members: Mapping[object, object]) -> None:
    for key, item in members.items():
        if not isinstance(key, str) or not key.isascii():
            raise NotCanonicalError("a member's name is not an ASCII string")
        _check(item)
