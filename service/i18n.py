"""Interface texts by GNU gettext: one `.po` file for each language, read at start.

Finnish, Swedish and English are equal: there is no falling back from one to another, so an entry
that is missing, empty or fuzzy in one of them stops the start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from gettext import c2py
from importlib.resources import files
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from policies.vocabulary import Language

Id = str | tuple[str, str]
"""A message's id: the English text, for a plural the singular and the plural."""


class IncompleteTextsError(RuntimeError):
    """A language lacks texts that another has."""

    def __init__(self, language: Language, ids: list[Id]) -> None:
        super().__init__(f"service/locale/{language}.po lacks {len(ids)} texts, first: {ids[0]!r}")
        self.language = language
        self.ids = ids


class MissingTextError(LookupError):
    """A page asks for a text that no language has."""


@dataclass(frozen=True, slots=True)
class Texts:
    """All interface texts of one language."""

    language: Language
    singular: dict[str, str]
    plural: dict[tuple[str, str], tuple[str, ...]]
    plural_form: Callable[[int], int]

    def gettext(self, message: str) -> str:
        try:
            return self.singular[message]
        except KeyError as error:
            raise MissingTextError(message) from error

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        try:
            return self.plural[singular, plural][self.plural_form(n)]
        except KeyError as error:
            raise MissingTextError(singular) from error

    @property
    def ids(self) -> set[Id]:
        return {*self.singular, *self.plural}


def N_(message: str) -> str:  # noqa: N802  # the name by which gettext's tools find marked texts
    """Mark a text that is translated where it is shown."""
    return message


@cache
def texts(language: Language) -> Texts:
    """The texts of a language. Raises IncompleteTextsError when it lacks one of the others'."""
    return _all()[language]


@cache
def _all() -> dict[Language, Texts]:
    loaded = {language: _load(language) for language in Language}
    check_complete(loaded)
    return loaded


def check_complete(loaded: Mapping[Language, Texts]) -> None:
    """Raise IncompleteTextsError unless each language has every text that another has."""
    every = set[Id]().union(*(each.ids for each in loaded.values()))
    for language, each in loaded.items():
        missing = sorted(every - each.ids, key=str)
        if missing:
            raise IncompleteTextsError(language, missing)


def _load(language: Language) -> Texts:
    data = files("service").joinpath("locale", f"{language}.po").read_bytes()
    return texts_of(language, read_po(BytesIO(data), locale=language.value, abort_invalid=True))


def texts_of(language: Language, catalog: Catalog) -> Texts:
    """The texts of a catalogue; a fuzzy or empty entry counts as missing."""
    singular: dict[str, str] = {}
    plural: dict[tuple[str, str], tuple[str, ...]] = {}
    for message in catalog:
        if not message.id or message.fuzzy or not message.string:
            continue
        if isinstance(message.id, str):
            singular[message.id] = str(message.string)
        elif all(message.string):
            plural[message.id[0], message.id[1]] = tuple(message.string)
    return Texts(language, singular, plural, c2py(catalog.plural_expr))
