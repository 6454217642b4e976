"""Messages: what a code means in words, in all three languages, from a data file."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

from policies.data_files import faults_of, read_table
from policies.schemas import SchemaError, text_member
from policies.text import Template, Text, TextError
from policies.vocabulary import Language


@dataclass(frozen=True, slots=True)
class Message:
    """A short name, which stands alone, and a whole sentence with places to fill."""

    code: str
    name: Text
    sentence: Template

    def in_words(self, language: Language, values: Mapping[str, str]) -> str:
        """The sentence where all its places have a value, else the name, which is true as well."""
        if self.sentence.placeholders <= values.keys():
            return self.sentence.fill(language, values)
        return self.name.in_language(language)


def load_messages(
    folder: Traversable, file: str, *, places: frozenset[str]
) -> Mapping[str, Message]:
    """The messages of a file by code; CatalogueError at the first fault."""
    found = {}
    for code, data in read_table(folder, file, "messages").items():
        with faults_of(file, code):
            found[code] = _message(code, data, places)
    return MappingProxyType(found)


def _message(code: str, data: Mapping[str, Any], places: frozenset[str]) -> Message:
    return Message(
        code=code,
        name=_template(data, "name", frozenset()).text,
        sentence=_template(data, "sentence", places),
    )


def _template(data: Mapping[str, Any], member: str, places: frozenset[str]) -> Template:
    try:
        return Template.of(text_member(data, member), known=places)
    except TextError as error:
        raise SchemaError((member, error.language), error.reason) from error
