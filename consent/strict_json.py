"""JSON read strictly: bounded in size and depth, no doubled key, integers only.

Python's reader keeps the last of two equal keys, takes NaN and halves of surrogate pairs, and
answers deep nesting with RecursionError; each of these has let one reader see another thing than
the next one. I-JSON (RFC 7493) forbids the first three.
"""

import json
import re

# Possessive, and a string that never ends is taken to the end of the text: each character is
# looked at once. Otherwise a few thousand escaped quotation marks cost seconds.
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_MOST_DIGITS = 17
_LARGEST = 2**53 - 1
"""Every reader agrees on integers up to here (RFC 7493 section 2.2)."""


class StrictJsonError(ValueError):
    """Text that is not the JSON we take; `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_strict(text: str | bytes, *, max_bytes: int, max_depth: int) -> object:
    """The value in the text. Raises StrictJsonError."""
    decoded = _decode(text, max_bytes)
    # The depth is counted before parsing, so that nesting never reaches the recursive reader.
    if _depth(decoded) > max_depth:
        raise StrictJsonError("too-deep")
    try:
        value: object = json.loads(
            decoded,
            object_pairs_hook=_without_doubles,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            parse_int=_bounded_integer,
        )
    except json.JSONDecodeError as error:
        raise StrictJsonError("not-json") from error
    if "\\u" in decoded:
        _refuse_half_characters(value)
    return value


def _decode(text: str | bytes, max_bytes: int) -> str:
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > max_bytes:
            raise StrictJsonError("too-long")
        return data.decode()
    except UnicodeError as error:
        raise StrictJsonError("not-utf-8") from error


def _refuse_half_characters(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # Not chained: the cause carries the whole text along.
        raise StrictJsonError("half-character") from None


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in _STRINGS.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError("doubled-key")
    return members


def _refuse_number(_text: str) -> object:
    raise StrictJsonError("not-an-integer")


def _bounded_integer(digits: str) -> int:
    # The digits are counted first, since int() of a long text is quadratic and has a limit of its
    # own with another exception.
    if len(digits) > _MOST_DIGITS or abs(int(digits)) > _LARGEST:
        raise StrictJsonError("not-an-integer")
    return int(digits)
