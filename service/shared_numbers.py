"""Numbers that several processes of one machine count together: a table in a file that they map.

A number has a name of at most 64 bytes and may end after a while, to begin anew. The file holds
nothing else and is gone with the processes; names that come from outside are hashed before.
"""

import fcntl
import math
import mmap
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

_SLOT = struct.Struct("=64sdQ")
"""Name, when the number began, and the number."""
LONGEST_NAME = 64
_TRIES = 16
_FOR_EVER = math.inf


class SharedNumbers:
    """One table; every process that opens the same file counts in it."""

    def __init__(self, path: Path, slots: int) -> None:
        self._slots = slots
        self._lock = threading.Lock()  # the lock on the file is the process's, not the thread's
        self._file = path.open("a+b")
        self._file.truncate(slots * _SLOT.size)
        self._table = mmap.mmap(self._file.fileno(), slots * _SLOT.size)

    def close(self) -> None:
        """Let go of the file."""
        self._table.close()
        self._file.close()

    def add(self, name: bytes, *, at: float = 0.0, lasts: float = _FOR_EVER) -> int:
        """Count one more and give the number, which begins anew when it has lasted so long.

        Where there is no room, several names share one number: a bound is met too early then,
        never too late.
        """
        if not 0 < len(name) <= LONGEST_NAME or name.endswith(b"\0"):
            raise ValueError("not a name for a number")
        with self._alone():
            place, began, number = self._find(name, at, lasts)
            _SLOT.pack_into(self._table, place, name, began, number + 1)
        return number + 1

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """Every name with its number."""
        with self._alone():
            rows = list(_SLOT.iter_unpack(self._table[:]))
        return iter([(name.rstrip(b"\0"), number) for name, _, number in rows if number])

    def _find(self, name: bytes, at: float, lasts: float) -> tuple[int, float, int]:
        """The place of the name's slot, since when it counts, and its number."""
        padded = name.ljust(LONGEST_NAME, b"\0")
        free: list[int] = []
        for place in self._places(name):
            found, began, number = _SLOT.unpack_from(self._table, place)
            # A clock that went back ends a number too: nobody is held for longer than it lasts.
            if number == 0 or not began <= at < began + lasts:
                free.append(place)
            elif found == padded:
                return place, began, number
        if free:
            return free[0], at, 0
        _, began, number = _SLOT.unpack_from(self._table, self._places(name)[-1])
        return self._places(name)[-1], began, number

    def _places(self, name: bytes) -> list[int]:
        return [(crc32(name) + i) % self._slots * _SLOT.size for i in range(_TRIES)]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._lock:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)
