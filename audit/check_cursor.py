"""Where a completeness check stopped: the step, and the key of the last row that it read. Pure."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

KeyPart = int | str | bytes | datetime | UUID
Key = tuple[KeyPart, ...]
"""The primary key of a row: where a check stopped, and goes on."""

_WRITE: Mapping[type[Any], tuple[str, Callable[[Any], int | str]]] = {
    int: ("int", int),
    str: ("str", str),
    bytes: ("bytes", bytes.hex),
    UUID: ("uuid", str),
    datetime: ("time", datetime.isoformat),
}
_READ: Mapping[str, Callable[[Any], KeyPart]] = {
    "int": int,
    "str": str,
    "bytes": bytes.fromhex,
    "uuid": UUID,
    "time": datetime.fromisoformat,
}


class CursorError(ValueError):
    """A text that is not a cursor of this check."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A step by its name, and the last row read in it; None at its beginning."""

    step: str
    after: Key | None = None

    @classmethod
    def start(cls, steps: Collection[str]) -> "Cursor":
        return cls(next(iter(steps)))

    @classmethod
    def parse(cls, text: str, steps: Collection[str]) -> "Cursor":
        """From the text that a report gave. Raises CursorError."""
        try:
            step, after = json.loads(text)
            key = None if after is None else tuple(_READ[name](value) for name, value in after)
        except (ValueError, TypeError, KeyError) as error:
            raise CursorError("not a cursor") from error
        if step not in steps:
            raise CursorError("no such step")
        return cls(step, key)

    def __str__(self) -> str:
        after = None if self.after is None else [_written(part) for part in self.after]
        return json.dumps([self.step, after], separators=(",", ":"))

    def next(self, last: Key | None, steps: Collection[str]) -> "Cursor | None":
        """After a page: further in this step, at the next one, or None at the end."""
        if last is not None:
            return Cursor(self.step, last)
        names = list(steps)
        rest = names[names.index(self.step) + 1 :]
        return Cursor(rest[0]) if rest else None


def number_of(part: KeyPart) -> int:
    """The part where it must be a number. Raises CursorError."""
    if not isinstance(part, int):
        raise CursorError("not a number")
    return part


def _written(part: KeyPart) -> list[int | str]:
    name, write = _WRITE[type(part)]
    return [name, write(part)]
