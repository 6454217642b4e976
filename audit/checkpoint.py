"""Checkpoints (C2SP tlog-checkpoint v1.0.0): origin, size and root as the text of a note.

Extension lines are refused: they are not recommended, nobody can audit them, and the ML-DSA
cosignature does not cover them.
"""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass

from audit.merkle import HASH_SIZE
from audit.note import Verifier, open_note

_MAX_SIZE = 2**63


class CheckpointError(ValueError):
    """A text that is not a checkpoint in canonical form, or one of another log."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log's state at one size."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        root = base64.b64encode(self.root).decode("ascii")
        return f"{self.origin}\n{self.size}\n{root}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """From the text of a note. Raises CheckpointError."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise CheckpointError("not the three lines of a checkpoint")
        checkpoint = cls(lines[0], _size(lines[1]), _root(lines[2]))
        if str(checkpoint) != text:
            raise CheckpointError("not in canonical form")
        return checkpoint


def open_checkpoint(note: bytes, verifiers: Collection[Verifier], *, origin: str) -> Checkpoint:
    """The checkpoint of that log, signed. Raises NoteError or CheckpointError."""
    checkpoint = Checkpoint.parse(open_note(note, verifiers))
    if checkpoint.origin != origin:
        raise CheckpointError("checkpoint of another log")
    return checkpoint


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) < _MAX_SIZE):
        raise CheckpointError("size is not a number")
    return int(text)


def _root(text: str) -> bytes:
    try:
        root = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointError("root is not base64") from error
    if len(root) != HASH_SIZE:
        raise CheckpointError("root is not a SHA-256 hash")
    return root
