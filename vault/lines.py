"""A file of documents, one JSON object to a line, read in bounded pieces.

A line that cannot be a document is a refused line and no error: the file goes on after it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from policies.catalogue import Catalogue
from policies.deposit_document import DepositDocumentError, Stated
from vault.stated import MAX_BYTES, SignatureCheck, read_document


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number from 1, where the next one begins, and its bytes without the end."""

    number: int
    end: int
    data: bytes = field(repr=False)
    whole: bool
    """False for the last line of a file that breaks off: what it says may be the half of it."""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was not taken: by its number, and why; nothing of what it said."""

    number: int
    pointer: str
    reason: str

    def written(self) -> bytes:
        """As it stands in the report."""
        members = {"line": self.number, "pointer": self.pointer, "reason": self.reason}
        return json.dumps(members).encode() + b"\n"


def lines(file: BinaryIO, *, number: int) -> Iterator[Line]:
    """The lines from where the file stands; `number` is that of the line before.

    Of a line that is too long for a document just enough is kept to be refused for it.
    """
    end = file.tell()
    while data := file.readline(MAX_BYTES + 2):
        number += 1
        whole = data.endswith(b"\n")
        end += len(data)
        more = not whole
        while more and (rest := file.readline(MAX_BYTES)):
            end += len(rest)
            whole = rest.endswith(b"\n")
            more = not whole
        yield Line(number, end, data.removesuffix(b"\n"), whole)


def read_line(
    line: Line, catalogue: Catalogue, *, now: datetime, signatures: SignatureCheck
) -> Stated | RefusedLine:
    """What the line states, or why it is not taken."""
    if not line.whole:
        return RefusedLine(line.number, "#", "breaks-off")
    try:
        return read_document(line.data, catalogue, now=now, signatures=signatures)
    except DepositDocumentError as error:
        return RefusedLine(line.number, error.pointer, error.reason)
