"""Lines of JSON that have one spelling only."""

from dataclasses import dataclass
from typing import Any

import pytest

from audit.json_line import parse_line, written_line


class RefusedError(ValueError):
    """What the caller of these tests raises."""


@dataclass(frozen=True)
class Pair:
    """Something with a line."""

    number: int
    name: str

    def __str__(self) -> str:
        return written_line({"number": self.number, "name": self.name})

    @classmethod
    def of(cls, members: Any) -> "Pair":
        return cls(int(members["number"]), str(members["name"]))


def test_a_line_is_read_as_it_was_written() -> None:
    pair = Pair(7, "seven")
    assert str(pair) == '{"number":7,"name":"seven"}\n'
    assert parse_line(str(pair), Pair.of, RefusedError) == pair


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[1]\n",
        "7\n",
        '{"number":7}\n',
        '{"number":"seven","name":"x"}\n',
        '{"number":Infinity,"name":"x"}\n',
        '{"number":null,"name":"x"}\n',
        "[" * 100_000,
    ],
)
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(RefusedError, match=r"^not the line of an event$"):
        parse_line(line, Pair.of, RefusedError)


@pytest.mark.parametrize(
    "line",
    [
        '{"number":7,"name":"seven"}',
        '{"number":7, "name":"seven"}\n',
        '{"name":"seven","number":7}\n',
        '{"number":"7","name":"seven"}\n',
        '{"number":7,"name":"seven","more":1}\n',
        '{"number":7,"name":1}\n',
    ],
)
def test_another_spelling_is_refused(line: str) -> None:
    with pytest.raises(RefusedError, match=r"^not in canonical form$"):
        parse_line(line, Pair.of, RefusedError)
