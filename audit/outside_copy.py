"""The last checkpoint, kept in a small file outside the database.

A database that was restored from a backup cannot tell that it has lost its last entries; this file
can, since it goes another way (Sunlight keeps its lock database apart for the same reason). It
only ever moves forward: whoever writes holds a lock, compares what is there, and puts the new file
in its place whole and on the disk.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audit.checkpoint import Checkpoint, CheckpointError
from audit.durable import private_file, sync_folder
from audit.note import NoteError, split_note
from audit.shards import log_of

_LONGEST = 1_000_000
_MODE = 0o600
_FORKED = "another tree of the same size was signed; tell the auditor"
_NO_CHECKPOINT = "not a signed checkpoint; bring the file back from its backup"


class OutsideCopyError(RuntimeError):
    """The file cannot be what we wrote; its text names the file and the repair."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; see docs/operator.md")
        self.path = path


class OutsideCopy:
    """The file. Safe for several processes of one machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes | None:
        """The note in the file, None when there is no file. Raises OutsideCopyError, OSError."""
        try:
            with self.path.open("rb") as file:
                note = file.read(_LONGEST)
        except FileNotFoundError:
            return None
        self._place(note)
        return note

    def advance(self, note: bytes) -> bool:
        """Put this note in the place of an older one; False when a newer one stands there.

        Raises OutsideCopyError when another tree of the same size stands there, and OSError.
        """
        with self._locked():
            before = self.read()
            if before is not None:
                old, new = self._place(before), self._place(note)
                if old[:2] == new[:2] and old != new:
                    raise OutsideCopyError(self.path, _FORKED)
                if old[:2] > new[:2]:
                    return False
            self._write(note)
        return True

    def _place(self, note: bytes) -> tuple[str, int, bytes]:
        """Log, size and root: in this order the copy moves forward."""
        try:
            found = Checkpoint.parse(split_note(note)[0])
        except (NoteError, CheckpointError) as error:
            raise OutsideCopyError(self.path, _NO_CHECKPOINT) from error
        return log_of(found.origin), found.size, found.root

    def _write(self, note: bytes) -> None:
        with private_file(self.path) as file:
            file.write(note)
        sync_folder(self.path.parent)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self.path.with_name(f"{self.path.name}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
