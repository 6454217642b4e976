"""What a document must be before any of it is stored. Pure: a whole passes, or nothing.

No error here holds a value, since the value is what was wrong.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from policies.catalogue import Catalogue, ValueType
from policies.facts import Document, Fact
from policies.ids import AttributeId

_DIGEST_BYTES = 32
_CLOCK_DIFFERENCE = timedelta(minutes=5)
_LONGEST_TEXT = 4096
_LONGEST_SIGNATURE = 4096
_MOST_OTHERS = 32
_LONGEST_LIST = 256
_LARGEST_INTEGER = 2**53 - 1
"""Every JSON reader agrees on integers up to here (RFC 7493 section 2.2)."""


class Refusal(StrEnum):
    """What is wrong with a document, as a reason code."""

    UNKNOWN_DATASET = "unknown-dataset"
    UNKNOWN_SOURCE = "unknown-source"
    DIGEST_LENGTH = "digest-length"
    SIGNATURE = "signature-form"
    EMPTY = "empty-document"
    UNKNOWN_ATTRIBUTE = "unknown-attribute"
    OTHER_DATASET = "attribute-of-other-dataset"
    ATTRIBUTE_TWICE = "attribute-twice"
    OTHER_SOURCE = "fact-of-other-source"
    TOO_MUCH_AUTHORITY = "more-authority-than-source"
    NOT_UTC = "observed-not-in-utc"
    IN_FUTURE = "observed-in-future"
    WRONG_TYPE = "wrong-value-type"
    NOT_WANTED = "not-wanted-here"
    """The person had the data set erased and has not allowed it again."""
    TOO_MANY_OTHERS = "about-too-many"


class RefusedDocumentError(ValueError):
    """The document is refused as a whole; the attribute is named where one is at fault."""

    def __init__(self, reason: Refusal, attribute: AttributeId | None = None) -> None:
        super().__init__(reason if attribute is None else f"{attribute}: {reason}")
        self.reason = reason
        self.attribute = attribute


def check_document(document: Document, catalogue: Catalogue, *, now: datetime) -> None:
    """Raise RefusedDocumentError for the first fault."""
    for refusal, is_wrong in _DOCUMENT_CHECKS:
        if is_wrong(document, catalogue):
            raise RefusedDocumentError(refusal)
    seen: set[AttributeId] = set()
    for fact in document.facts:
        if fact.attribute in seen:
            raise RefusedDocumentError(Refusal.ATTRIBUTE_TWICE, fact.attribute)
        seen.add(fact.attribute)
        _check_fact(fact, document, catalogue, now)


def _check_fact(fact: Fact, document: Document, catalogue: Catalogue, now: datetime) -> None:
    attribute = catalogue.attributes.get(fact.attribute)
    if attribute is None:
        # Not named: a name that we do not know is the document's own text.
        raise RefusedDocumentError(Refusal.UNKNOWN_ATTRIBUTE)
    authority = catalogue.source(document.source).authority
    checks = (
        (Refusal.OTHER_DATASET, attribute.dataset != document.dataset),
        (Refusal.OTHER_SOURCE, fact.source != document.source),
        (Refusal.TOO_MUCH_AUTHORITY, fact.authority > authority),
        (Refusal.NOT_UTC, fact.observed_at.utcoffset() != timedelta(0)),
        (Refusal.WRONG_TYPE, not is_of_type(attribute.type, fact.value)),
        (Refusal.TOO_MANY_OTHERS, len(fact.also_about) > _MOST_OTHERS),
    )
    for refusal, is_wrong in checks:
        if is_wrong:
            raise RefusedDocumentError(refusal, fact.attribute)
    # A value from the future would stay the newest one whatever comes after it.
    if fact.observed_at > now + _CLOCK_DIFFERENCE:
        raise RefusedDocumentError(Refusal.IN_FUTURE, fact.attribute)


def is_of_type(type_: ValueType, value: object) -> bool:
    """True when the value is of the type, in its one form and within bounds."""
    return _FITS[type_](value)


def _is_signature(text: str | None) -> bool:
    """Without spaces and line ends, so that it is kept in one form."""
    if text is None:
        return True
    fits = 0 < len(text) <= _LONGEST_SIGNATURE
    return fits and text.isascii() and text.isprintable() and " " not in text


def _is_text(value: object) -> bool:
    """Not empty, not too long, and without halves of surrogate pairs, which UTF-8 cannot hold."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _is_integer(value: object) -> bool:
    # To Python True is an integer; to us it is not.
    return type(value) is int and abs(value) <= _LARGEST_INTEGER


def _is_date(value: object) -> bool:
    """A full date in the one form `YYYY-MM-DD` (RFC 3339 section 5.6)."""
    if not isinstance(value, str):
        return False
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_instant(value: object) -> bool:
    """A point in time in the one form `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339 section 5.6)."""
    if not isinstance(value, str) or not value.endswith("Z"):
        return False
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return False
    return found.isoformat(timespec="seconds") == value.removesuffix("Z") + "+00:00"


def _is_list(value: object) -> bool:
    return isinstance(value, tuple) and len(value) <= _LONGEST_LIST and all(map(_is_text, value))


_DOCUMENT_CHECKS: tuple[tuple[Refusal, Callable[[Document, Catalogue], bool]], ...] = (
    (Refusal.UNKNOWN_DATASET, lambda document, known: document.dataset not in known.datasets),
    (Refusal.UNKNOWN_SOURCE, lambda document, known: document.source not in known.sources),
    (Refusal.DIGEST_LENGTH, lambda document, _: len(document.digest) != _DIGEST_BYTES),
    (Refusal.SIGNATURE, lambda document, _: not _is_signature(document.signature)),
    (Refusal.EMPTY, lambda document, _: not document.facts),
)

_FITS: Mapping[ValueType, Callable[[object], bool]] = {
    ValueType.STRING: _is_text,
    ValueType.INTEGER: _is_integer,
    ValueType.BOOLEAN: lambda value: isinstance(value, bool),
    ValueType.DATE: _is_date,
    ValueType.INSTANT: _is_instant,
    ValueType.MONEY_CENTS: _is_integer,
    ValueType.STRINGS: _is_list,
}
