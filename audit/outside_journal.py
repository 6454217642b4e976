"""The journal outside the database: an append-only file of what an older backup must not undo.

A database that is restored from a backup has forgotten which people were erased and which consents
ended since. This file has not: each of its lines is on the disk before the transaction commits of
which it tells. So it may tell of what then failed to commit, and never of too little. Whoever
restores reads it again (`vault.replay`).
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from audit.durable import sync_folder
from audit.journal_line import LONGEST, JournalEntry, JournalLine, JournalLineError

_MODE = 0o600
_TAIL = 64 * LONGEST
_PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 0.02
_OTHER = "no line in it is of this installation; bring the file, or the keys, back from the backup"
_BUSY = "another process holds it"


class JournalError(RuntimeError):
    """The journal cannot be written or read; the text names the file and the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; see docs/operator.md, The journal of erasures")
        self.path = path


class Damage(StrEnum):
    """What is wrong at a place in the file."""

    NO_LINE = "no-line"
    """Torn by a crash, or changed. What a crash has torn was never committed."""
    MISSING = "lines-missing"
    """Lines before this one are missing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong, and at which line of the file, from 1."""

    damage: Damage
    line: int


@dataclass(frozen=True, slots=True)
class JournalContent:
    """What the file says: the entries that are proven to be ours, and what is wrong with it."""

    entries: tuple[JournalEntry, ...]
    faults: tuple[Fault, ...]
    digest: str
    """SHA-256 of the file, in lower-case hexadecimal."""


class OutsideJournal:
    """The file. Safe for several threads and processes of one machine."""

    def __init__(self, path: Path, key: bytes, *, patience: float = _PATIENCE_SECONDS) -> None:
        self.path = path
        self._key = key
        self._patience = patience

    def __repr__(self) -> str:
        return f"OutsideJournal({str(self.path)!r}, key hidden)"

    def beside(self, path: Path) -> "OutsideJournal":
        """Another file of the same installation: another host's."""
        return OutsideJournal(path, self._key, patience=self._patience)

    def append(self, entries: Sequence[JournalEntry]) -> None:
        """Bring the entries to the disk, after all that is there. Raises JournalError."""
        with self._open(os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
            self._lock(descriptor)
            last, torn = self._end(descriptor)
            lines = b"\n" if torn else b""
            for entry in entries:
                last = JournalLine.after(last, entry, self._key)
                lines += bytes(last)
            _write(descriptor, lines)
            os.fsync(descriptor)
            if last is not None and last.number == len(entries):
                sync_folder(self.path.parent)  # the file is new, and so is its name

    def read(self) -> JournalContent:
        """All that it says; an absent file says nothing. Raises JournalError."""
        if not self.path.exists():
            return self._content(b"")
        with self._open(os.O_RDONLY) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
            return self._content(file.read())

    def _content(self, content: bytes) -> JournalContent:
        entries, faults = [], []
        last: JournalLine | None = None
        for place, text in enumerate(content.splitlines(keepends=True), start=1):
            line = _parsed(text, self._key)
            if line is None:
                faults.append(Fault(Damage.NO_LINE, place))
                continue
            if not line.follows(last):
                faults.append(Fault(Damage.MISSING, place))
            entries.append(line.entry)
            last = line
        return JournalContent(tuple(entries), tuple(faults), sha256(content).hexdigest())

    @contextmanager
    def _open(self, flags: int) -> Iterator[int]:
        try:
            descriptor = os.open(self.path, flags | os.O_CLOEXEC, _MODE)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except OSError as error:
            raise JournalError(self.path, error.strerror or type(error).__name__) from error

    def _lock(self, descriptor: int) -> None:
        """Wait for the others, and not for ever: a transaction waits with us."""
        end = time.monotonic() + self._patience
        while not _locked(descriptor):
            if time.monotonic() >= end:
                raise JournalError(self.path, _BUSY)
            time.sleep(_PAUSE_SECONDS)

    def _end(self, descriptor: int) -> tuple[JournalLine | None, bool]:
        """The last good line, and whether the file ends within a line that a crash has torn."""
        size = os.fstat(descriptor).st_size
        if size == 0:
            return None, False
        tail = os.pread(descriptor, _TAIL, max(0, size - _TAIL))
        lines = (_parsed(text, self._key) for text in reversed(tail.splitlines(keepends=True)))
        last = next((line for line in lines if line is not None), None)
        if last is None and (size >= LONGEST or b"\n" in tail):  # more than a torn first line
            raise JournalError(self.path, _OTHER)
        return last, not tail.endswith(b"\n")


def _parsed(text: bytes, key: bytes) -> JournalLine | None:
    """The line; one whose MAC is whole is whole, should it lack its newline."""
    try:
        return JournalLine.parse(text if text.endswith(b"\n") else text + b"\n", key)
    except JournalLineError:
        return None


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(descriptor: int, content: bytes) -> None:
    """All of it: a disk that is full takes a part first."""
    while content:
        content = content[os.write(descriptor, content) :]
