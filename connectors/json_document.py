"""JSON documents, read strictly: I-JSON (RFC 7493), bounded, each value asked for by its place.

The standard reader takes the last of two equal member names, so two programs can read two
documents out of one; here that is an error, as are NaN, a depth that exhausts a stack, and a
number that would take minutes to compute with.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from connectors import scalars
from connectors.documents import DEEPEST, MalformedDocumentError, check_size
from policies.ids import SourceId

T = TypeVar("T")

# The end of the document ends a string as well: otherwise each quotation mark of an unclosed one
# would be tried as a beginning, and time would grow with the square of the size.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_LARGEST_EXPONENT = 12
_LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. Each question about it has an answer or an error."""

    source: SourceId
    place: str
    value: object = field(repr=False)

    def wrong(self, reason: str) -> MalformedDocumentError:
        return MalformedDocumentError(self.source, self.place, reason)

    def member(self, name: str) -> "Node":
        """The member of this object; it must be there and not null."""
        found = self.optional(name)
        if found is None:
            raise MalformedDocumentError(self.source, f"{self.place}/{name}", "is missing")
        return found

    def optional(self, name: str) -> "Node | None":
        """The member of this object, or None when it is absent or null."""
        if not isinstance(self.value, dict):
            raise self.wrong("is not an object")
        value = self.value.get(name)
        return None if value is None else Node(self.source, f"{self.place}/{name}", value)

    def items(self) -> list["Node"]:
        """The elements of this array."""
        if not isinstance(self.value, list):
            raise self.wrong("is not an array")
        return [
            Node(self.source, f"{self.place}/{index}", value)
            for index, value in enumerate(self.value)
        ]

    def members(self, name: str) -> list["Node"]:
        """The elements of the array in this member, none when it is absent."""
        found = self.optional(name)
        return [] if found is None else found.items()

    def text(self) -> str:
        return self._scalar(lambda: scalars.checked_text(self._string()))

    def date(self) -> date:
        return self._scalar(lambda: scalars.parsed_date(self._string()))

    def instant(self, *, local: bool = False) -> datetime:
        return self._scalar(lambda: scalars.parsed_instant(self._string(), local=local))

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("is not true or false")
        return self.value

    def integer(self) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("is not a whole number")
        return self.value

    def decimal(self) -> Decimal:
        """A number exactly as it is written, never a binary fraction."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | Decimal):
            raise self.wrong("is not a number")
        return Decimal(self.value)

    def _string(self) -> str:
        if not isinstance(self.value, str):
            raise scalars.ScalarError("is not a text")
        return self.value

    def _scalar(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except scalars.ScalarError as error:
            raise self.wrong(str(error)) from None


def read_json(document: bytes, source: SourceId) -> Node:
    """The whole document, or MalformedDocumentError."""
    check_size(document, source)
    _check_depth(document, source)
    try:
        value = json.loads(
            document.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_decimal,
            parse_int=_integer,
        )
    except _NotStrictError as error:
        raise MalformedDocumentError(source, "", str(error)) from None
    except UnicodeDecodeError:
        raise MalformedDocumentError(source, "", "is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedDocumentError(source, "", f"is not JSON ({place})") from None
    return Node(source, "", value)


class _NotStrictError(Exception):
    pass


def _check_depth(document: bytes, source: SourceId) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", document)):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEEPEST:
            raise MalformedDocumentError(source, "", f"is nested deeper than {DEEPEST}")


def _object(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise _NotStrictError("names one member twice")
        members[name] = value
    return members


def _no_constant(_: str) -> object:
    raise _NotStrictError("holds a number that is not in JSON")


def _decimal(text: str) -> Decimal:
    number = Decimal(text) if len(text) <= _LONGEST_NUMBER else Decimal("inf")
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise _NotStrictError("holds a number out of range")
    return number


def _integer(text: str) -> int:
    if len(text) > _LARGEST_EXPONENT + 1:
        raise _NotStrictError("holds a number out of range")
    return int(text)
