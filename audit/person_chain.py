"""The chain of a person's events: each says its number and the commitment of the one before.

The tree shows that nothing was changed or dropped from the log; it does not show a person that
her list is whole, since nobody else knows which entries are hers. The chain does: number and
previous commitment are sealed in each event under her key, so a hidden entry leaves a gap that
nobody can close without changing an entry that is in the tree already.

Pure. An event stands in the chain of its subject, and in that of another person who acted in it.
Entries whose key is destroyed keep their place by their commitment: what is erased is no gap.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from audit.disclosure import FieldValue

HASH_SIZE = 32
_MAX_DIGITS = 18


class ChainError(ValueError):
    """Fields that give no place in a chain. Holds the field's name."""


class Part(StrEnum):
    """Whose chain: that of the person whom the event is about, or of another who acted in it."""

    SUBJECT = ""
    ACTOR = "actor_"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a person's chain."""

    n: int
    """From 1."""
    previous: bytes | None
    """Commitment of the event before, 32 bytes; None at the first."""

    def fields(self, part: Part) -> dict[str, FieldValue]:
        """The fields that hold it."""
        fields: dict[str, FieldValue] = {f"{part}n": str(self.n)}
        if self.previous is not None:
            fields[f"{part}prev"] = _b64(self.previous)
        return fields

    @classmethod
    def of(cls, fields: Mapping[str, FieldValue], part: Part) -> "Position | None":
        """From opened fields, None where they name none. Raises ChainError."""
        written, previous = fields.get(f"{part}n"), fields.get(f"{part}prev")
        if written is None and previous is None:
            return None
        n = _number(written, f"{part}n")
        if (n == 1) != (previous is None):
            raise ChainError(f"{part}prev")
        return cls(n, None if previous is None else _hash(previous, f"{part}prev"))

    def next(self, commitment: bytes) -> "Position":
        """The place after the event that has this one and that commitment."""
        return Position(self.n + 1, commitment)


FIRST = Position(1, None)


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of a person's list: its place, None where nothing of it opens, and commitment."""

    position: Position | None
    commitment: bytes


class Fault(StrEnum):
    """What is wrong between two entries of a chain."""

    MISSING = "missing"
    """Entries that were there are not shown."""
    CHANGED = "changed"
    """The entry before is not the one that this one follows."""
    SURPLUS = "surplus"
    """There is an entry more than the numbers leave room for."""


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold."""

    fault: Fault
    at: int
    """Which link of those given, from 0: the later one of the two."""
    missing: int = 0
    """How many entries are not shown."""


def breaks(links: Iterable[Link], *, whole: bool) -> list[Break]:
    """Where a person's entries, oldest first, do not follow one another.

    `whole` says that nothing of the chain is before the first link, so that it must be number 1,
    or come after entries that say nothing any more.
    """
    found: list[Break] = []
    before: Link | None = None
    known: int | None = 0 if whole else None
    silent = 0
    for at, link in enumerate(links):
        if link.position is None:
            silent += 1
        else:
            found += _between(before, link.position, known, silent, at)
            known, silent = link.position.n, 0
        before = link
    return found


def _between(
    before: Link | None, position: Position, known: int | None, silent: int, at: int
) -> list[Break]:
    """What is wrong between a place and the last one that opened, with silent entries between."""
    if known is not None:
        missing = position.n - known - silent - 1
        if missing > 0:
            return [Break(Fault.MISSING, at, missing)]
        if missing < 0 and not _older_than_chains(known, position):
            return [Break(Fault.SURPLUS, at)]
    follows = position.previous is None or before is None or position.previous == before.commitment
    return [] if follows else [Break(Fault.CHANGED, at)]


def _older_than_chains(known: int, position: Position) -> bool:
    """Entries from before there were chains have no number: the first number comes after them."""
    return known == 0 and position.n == 1


def _number(value: FieldValue | None, name: str) -> int:
    if not (isinstance(value, str) and value.isascii() and value.isdigit()):
        raise ChainError(name)
    if len(value) > _MAX_DIGITS or value.startswith("0"):
        raise ChainError(name)
    return int(value)


def _hash(value: FieldValue, name: str) -> bytes:
    if not isinstance(value, str):
        raise ChainError(name)
    try:
        data = base64.b64decode(value + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ChainError(name) from error
    if len(data) != HASH_SIZE or _b64(data) != value:
        raise ChainError(name)
    return data


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
