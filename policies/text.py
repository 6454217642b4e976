"""Texts that a person reads, complete in Finnish, Swedish and English or not made at all.

Finnish and Swedish are equal by law and English stands beside them, so there is no falling back
from one language to another: a text that lacks one is refused when it is made.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from policies.vocabulary import Language

UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069"
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""What no text of one line holds: controls, line ends, marks without width, halves of surrogate
pairs, and the marks of direction (Unicode UAX 9), by which a text is read as another one."""

_UNTIDY = re.compile(r"^\s|\s$|\s\s|[^\S ]")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_STRAY_BRACE = re.compile(r"[{}]")


class TextError(ValueError):
    """A text is missing, empty or untidy in one language."""

    def __init__(self, language: str, reason: str) -> None:
        super().__init__(f"{language}: {reason}")
        self.language = language
        self.reason = reason


class PlaceholderError(ValueError):
    """A place of a template has no value."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the place {{{name}}} has no value")
        self.name = name


@dataclass(frozen=True, slots=True)
class Text:
    """One text in all three languages."""

    fi: str
    sv: str
    en: str

    def __post_init__(self) -> None:
        for language in Language:
            _check_tidy(language, self.in_language(language))

    def in_language(self, language: Language) -> str:
        match language:
            case Language.FI:
                return self.fi
            case Language.SV:
                return self.sv
            case Language.EN:
                return self.en
            case _:
                assert_never(language)

    def to_json(self) -> dict[str, str]:
        return {"fi": self.fi, "sv": self.sv, "en": self.en}


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places to fill, such as `{date}`; the same places in each language."""

    text: Text
    placeholders: frozenset[str]

    @classmethod
    def of(cls, text: Text, *, known: frozenset[str]) -> "Template":
        """The template of a text; its places must be known and alike in all languages."""
        found = {language: _placeholders(language, text) for language in Language}
        for language, names in found.items():
            _check_names(language, names, known=known, expected=found[Language.FI])
        return cls(text, found[Language.FI])

    def fill(self, language: Language, values: Mapping[str, str]) -> str:
        """The text with its places filled, once: braces inside a value stay what they are."""
        for name in sorted(self.placeholders - values.keys()):
            raise PlaceholderError(name)
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.text.in_language(language))


def _check_tidy(language: Language, value: str) -> None:
    if not value:
        raise TextError(language, "is empty")
    if _UNTIDY.search(value) or UNPRINTABLE.search(value):
        raise TextError(language, "has a surplus space, a line break or a control character")


def _placeholders(language: Language, text: Text) -> frozenset[str]:
    value = text.in_language(language)
    if _STRAY_BRACE.search(_PLACEHOLDER.sub("", value)):
        raise TextError(language, "has a brace that is not part of a place to fill")
    return frozenset(_PLACEHOLDER.findall(value))


def _check_names(
    language: Language, names: frozenset[str], *, known: frozenset[str], expected: frozenset[str]
) -> None:
    for name in sorted(names - known):
        raise TextError(language, f"fills the unknown place {{{name}}}")
    for name in sorted(names ^ expected):
        raise TextError(language, f"differs from Finnish in the place {{{name}}}")
