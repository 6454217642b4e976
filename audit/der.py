"""As much of DER (ITU-T X.690) as time stamps need beyond their library: writing what a request
holds, and putting the certificates of an answer into the order that DER demands. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass

INTEGER, BIT_STRING, OCTET_STRING, NULL, OBJECT_IDENTIFIER = 0x02, 0x03, 0x04, 0x05, 0x06
BOOLEAN, GENERALIZED_TIME, SEQUENCE, SET = 0x01, 0x18, 0x30, 0x31
CONTEXT_0 = 0xA0
_LONG, _LONGEST_LENGTH = 0x80, 3


class DerError(ValueError):
    """Not the DER of what was expected there."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element in some bytes: its tag, where it begins, where its content begins and ends."""

    tag: int
    start: int
    content: int
    end: int


def element(data: bytes, start: int, end: int) -> Element:
    """The element that begins at `start` and ends at `end` or before. Raises DerError."""
    if end - start < 2:
        raise DerError("cut")
    tag, length, content = data[start], data[start + 1], start + 2
    if length >= _LONG:
        octets = length - _LONG
        if not 0 < octets <= _LONGEST_LENGTH or content + octets > end:
            raise DerError("a length that is none")
        length = int.from_bytes(data[content : content + octets])
        content += octets
    if content + length > end:
        raise DerError("longer than what holds it")
    return Element(tag, start, content, content + length)


def elements(data: bytes, start: int, end: int) -> Iterator[Element]:
    """All elements between two places. Raises DerError."""
    while start < end:
        found = element(data, start, end)
        yield found
        start = found.end


def inside(data: bytes, outer: Element, *tags: int) -> tuple[Element, ...]:
    """The first elements in another one, which have these tags. Raises DerError."""
    found = tuple(elements(data, outer.content, outer.end))[: len(tags)]
    if tuple(each.tag for each in found) != tags:
        raise DerError("other elements")
    return found


def whole(data: bytes, tag: int) -> Element:
    """The one element that the bytes are. Raises DerError."""
    found = element(data, 0, len(data))
    if (found.tag, found.end) != (tag, len(data)):
        raise DerError("another element, or something after it")
    return found


def encode(tag: int, *contents: bytes) -> bytes:
    """An element of these contents."""
    content = b"".join(contents)
    length = len(content)
    if length < _LONG:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes([tag, _LONG + len(octets)]) + octets + content


def integer(number: int) -> bytes:
    """A number that is not negative (section 8.3: the first bit says so)."""
    return encode(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def object_identifier(dotted: str) -> bytes:
    """An object identifier as X.690 section 8.19 writes it. Raises DerError."""
    try:
        first, second, *others = (int(arc) for arc in dotted.split("."))
    except ValueError as error:
        raise DerError("not an object identifier") from error
    arcs = [40 * first + second, *others]
    written = ".".join(map(str, (first, second, *others)))
    if written != dotted or first > 2 or (first < 2 and second > 39) or min(arcs) < 0:
        raise DerError("not an object identifier")
    return encode(OBJECT_IDENTIFIER, *(_base_128(arc) for arc in arcs))


def _base_128(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(number & 0x7F | 0x80)
    return bytes(reversed(digits))


def set_of(*members: bytes, tag: int = SET) -> bytes:
    """A SET OF: DER demands the order of the encodings (section 11.6)."""
    return encode(tag, *sorted(members))
