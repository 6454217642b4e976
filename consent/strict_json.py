"""JSON read strictly: bounded in size and depth, no doubled key, integers only.

Python's reader keeps the last of two equal keys, takes NaN, and answers deep nesting with
RecursionError; each of these has let one reader see another thing than the next one. I-JSON
(RFC 7493) forbids the first two.
"""

import json
import re

_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)


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
    return value


def _decode(text: str | bytes, max_bytes: int) -> str:
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > max_bytes:
            raise StrictJsonError("too-long")
        return data.decode()
    except UnicodeError as error:
        raise StrictJsonError("not-utf-8") from error


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
    # Sixteen digits hold every integer that a double keeps exact; int() of a longer text is
    # quadratic and has its own limit with another exception.
    if len(digits) > 17:
        raise StrictJsonError("not-an-integer")
    return int(digits)
