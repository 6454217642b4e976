"""XML documents, read strictly: no document type, no entities, bounded, each element by its path.

A document type declaration is refused before anything in it is read: entities are how a small
document becomes a large one and how a parser is made to fetch files (XXE, "billion laughs").
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from connectors import scalars
from connectors.documents import DEEPEST, MalformedDocumentError, check_size
from policies.ids import SourceId

T = TypeVar("T")

_MOST_ELEMENTS = 200_000
_PIECE = 65_536
_INTEGER = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Place:
    """An element and its path. Names are local names; the namespace is checked at the root."""

    source: SourceId
    path: str
    element: Element = field(repr=False)

    @property
    def name(self) -> str:
        """The tag, as `{namespace}local`."""
        return self.element.tag

    def wrong(self, reason: str) -> MalformedDocumentError:
        return MalformedDocumentError(self.source, self.path, reason)

    def child(self, name: str) -> "Place":
        """The one child of this name."""
        found = self.optional(name)
        if found is None:
            raise MalformedDocumentError(self.source, f"{self.path}/{name}", "is missing")
        return found

    def optional(self, name: str) -> "Place | None":
        found = self.children(name)
        if len(found) > 1:
            raise MalformedDocumentError(self.source, f"{self.path}/{name}", "stands twice")
        return found[0] if found else None

    def children(self, name: str) -> list["Place"]:
        return [
            Place(self.source, f"{self.path}/{name}[{number}]", element)
            for number, element in enumerate(self.element.findall(name), start=1)
        ]

    def text(self) -> str:
        return self._scalar(scalars.checked_text)

    def date(self) -> date:
        return self._scalar(scalars.parsed_date)

    def instant(self) -> datetime:
        return self._scalar(scalars.parsed_instant)

    def cents(self) -> int:
        return self._scalar(scalars.parsed_cents)

    def integer(self) -> int:
        return self._scalar(_integer)

    def is_true(self) -> bool:
        """The one value of the register's `True` type; the element is left out otherwise."""
        if self.element.text != "true":
            raise self.wrong("is not true")
        return True

    def _scalar(self, read: Callable[[str], T]) -> T:
        if len(self.element):
            raise self.wrong("is not a single value")
        try:
            return read(self.element.text or "")
        except scalars.ScalarError as error:
            raise self.wrong(str(error)) from None


def read_xml(document: bytes, source: SourceId, *, roots: Collection[str]) -> Place:
    """The root of the document, one of `roots` (`{namespace}local`); or MalformedDocumentError."""
    check_size(document, source)
    # Given as a text, the document cannot choose its own encoding and hide in UTF-7 or UTF-16.
    try:
        text = document.decode("utf-8")
        parser = ElementTree.XMLParser(target=_BoundedBuilder())  # noqa: S314 -- see the builder
        # In pieces: after an error the parser reads what it was given to its end.
        for start in range(0, len(text), _PIECE):
            parser.feed(text[start : start + _PIECE])
        root = parser.close()
    except UnicodeDecodeError:
        raise MalformedDocumentError(source, "", "is not UTF-8") from None
    except _NotBoundedError as error:
        raise MalformedDocumentError(source, "", str(error)) from None
    except ElementTree.ParseError as error:
        reason = f"is not XML (line {error.position[0]})"
        raise MalformedDocumentError(source, "", reason) from None
    # A path is made of names that we asked for; another root's name may be anything.
    if root.tag not in roots:
        raise MalformedDocumentError(source, "", "has a root that is not known")
    return Place(source, "/" + root.tag.rpartition("}")[2], root)


class _NotBoundedError(Exception):
    pass


class _BoundedBuilder(ElementTree.TreeBuilder):
    """A tree builder that stops at a document type, too great a depth or too many elements."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0
        self._elements = 0

    def doctype(self, *_: str | None) -> None:
        raise _NotBoundedError("has a document type declaration")

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST:
            raise _NotBoundedError(f"is nested deeper than {DEEPEST}")
        if self._elements > _MOST_ELEMENTS:
            raise _NotBoundedError(f"has more than {_MOST_ELEMENTS} elements")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise scalars.ScalarError("is not a whole number")
    return int(text)
