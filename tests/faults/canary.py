"""A person whose every value occurs nowhere else, and the search for those values.

A value is looked for as text, as a page would format it, and inside base64 and hexadecimal at any
offset, so that tokens and sealed or signed things need not be taken apart.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import unquote_plus

from sqlalchemy import Engine, MetaData, select

from policies.catalogue import Catalogue, ValueType
from policies.facts import Document, Fact, Value
from policies.identity_code import check_character
from policies.ids import AttributeId
from policies.vocabulary import AuthorityRank, Language
from service.formats import Formats

GIVEN, FAMILY = "Kanarivoxqzetunimi", "Kanarivoxqzsukunimi"
_BIRTH, _NUMBER = "190731", "973"
CODE = f"{_BIRTH}-{_NUMBER}{check_character(_BIRTH + _NUMBER)}"
"""An artificial identity code."""
_OWN: Mapping[str, Value] = {
    "person.given_names": GIVEN,
    "person.family_name": FAMILY,
    "person.identity_code": CODE,
    "person.birth_date": "1931-07-19",
}
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[\s.,\u00a0\u202f](?=\d)")


def canary_values(catalogue: Catalogue) -> dict[AttributeId, Value]:
    """A value for every attribute of the catalogue, each one of a kind."""
    attributes = sorted(catalogue.attributes)
    return {
        id_: _OWN.get(id_) or _value(catalogue.attribute(id_).type, number)
        for number, id_ in enumerate(attributes, 11)
    }


def _value(type_: ValueType, number: int) -> Value:
    """Something of that type; `number` has two digits."""
    match type_:
        case ValueType.STRING:
            return f"Kanarivoxqz{number}arvo"
        case ValueType.STRINGS:
            return (f"Kanarivoxqz{number}arvo",)
        case ValueType.INTEGER | ValueType.MONEY_CENTS:
            return 716_290_300 + number
        case ValueType.DATE:
            return date(1900 + number, 8, number % 28 + 1).isoformat()
        case ValueType.INSTANT:
            return f"18{number}-08-{number % 28 + 1:02}T03:41:27Z"
        case ValueType.BOOLEAN:
            return True


def canary_documents(catalogue: Catalogue) -> Iterator[Document]:
    """The values as their registers would state them."""
    values, seen = canary_values(catalogue), datetime.now(UTC).replace(microsecond=0)
    for dataset in catalogue.datasets.values():
        facts = tuple(
            Fact(
                attribute=id_,
                value=values[id_],
                source=dataset.source,
                authority=AuthorityRank.AUTHORITATIVE_REGISTER,
                observed_at=seen,
                labels=catalogue.attribute(id_).labels,
            )
            for id_ in dataset.attributes
        )
        yield Document(dataset.id, dataset.source, facts, dataset.id.encode().ljust(32, b"-"))


@dataclass
class Search:
    """Finds canaries in whatever it is shown."""

    values: Iterable[Value]
    found: list[str] = field(default_factory=list)
    """Where canaries were that must not be there."""
    looked_at: dict[str, int] = field(default_factory=dict)
    """How many characters of each kind of place."""

    def __post_init__(self) -> None:
        texts = [str(v[0] if isinstance(v, tuple) else v) for v in self.values if v is not True]
        self._words = sorted({word for text in texts for word in _as_written(text)})
        self._encoded = sorted({form for text in texts for form in _as_encoded(text)})

    def look(self, kind: str, where: str, content: str | bytes) -> None:
        """Note every canary in the content."""
        text = content.decode("latin-1") if isinstance(content, bytes) else content
        self.looked_at[kind] = self.looked_at.get(kind, 0) + len(text)
        self.found += [f"{kind} {where}: {word}" for word in self.in_text(text)]

    def in_text(self, text: str) -> list[str]:
        """The canaries in a text, as they are spelt there."""
        plain = unquote_plus(text).lower()
        closed_up = _BETWEEN_DIGITS.sub("", plain)
        written = [each for each in self._words if each in plain or each in closed_up]
        return written + [each for each in self._encoded if each in text]


def _as_written(text: str) -> Iterator[str]:
    """As a machine writes it and as our pages do; in lower case."""
    yield text.lower()
    if re.fullmatch(r"\d{4}-\d\d-\d\d.*", text):
        day = date.fromisoformat(text[:10])
        yield day.isoformat()
        for forms in map(Formats, Language):
            yield forms.day(day).lower()
            yield forms.long_day(day).lower()


def _as_encoded(text: str) -> Iterator[str]:
    """Inside hexadecimal, and inside base64 at each of the three offsets."""
    data = text.encode()
    yield data.hex()
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + data)
        # What the neighbours share bits with says nothing.
        whole = encoded[4 if offset else 0 : -4].decode()
        if len(whole) >= 8:
            yield whole
            yield whole.translate(str.maketrans("+/", "-_"))


def database(engine: Engine) -> Iterator[tuple[str, bytes]]:
    """All that is stored: every column of every row, and SQLite's files as they lie there."""
    metadata = MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection)
        for name, table in metadata.tables.items():
            for row in connection.execute(select(table)):
                cells = (each if isinstance(each, bytes) else str(each).encode() for each in row)
                yield name, b"\x00".join(cells)
    if engine.dialect.name == "sqlite":
        for file in sorted(Path(str(engine.url.database)).parent.glob("vault.db*")):
            yield file.name, file.read_bytes()
