"""The files of an archive: the oldest part of a log, in folders as it is published. Pure.

| file | what |
|---|---|
| `<log>/tile/0/…` | hashes of the entries (C2SP tlog-tiles) |
| `<log>/tile/entries/….gz` | the entries, compressed; a web server gives them out as they are |
| `<log>/events/….jsonl.gz` | the events of these entries as stored: digests, sealed bytes |
| `<log>/archive-<start>-<end>` | SHA-256 of each of these files, as `sha256sum -c` reads them |
| `<log>/checkpoint-<size>` | the signed checkpoint under which all of it is proven |

The sealed bytes open only with keys that are not in the archive: where a person's key is
destroyed, the archive says nothing of that person either.
"""

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit.json_line import parse_line, written_line
from audit.tiles import TileName


class ArchiveFileError(ValueError):
    """A line of an archived event that is not in canonical form."""


@dataclass(frozen=True, slots=True)
class ArchivedEvent:
    """An event as it was stored."""

    index: int
    number: int
    event_id: UUID
    at: str
    digests: bytes
    sealed: bytes

    def __str__(self) -> str:
        members = {
            "index": self.index,
            "number": self.number,
            "event_id": str(self.event_id),
            "at": self.at,
            "digests": base64.b64encode(self.digests).decode("ascii"),
            "sealed": base64.b64encode(self.sealed).decode("ascii"),
        }
        return written_line(members)

    @classmethod
    def parse(cls, line: str) -> "ArchivedEvent":
        """Only what `str` gives. Raises ArchiveFileError."""
        return parse_line(line, cls._of, ArchiveFileError)

    @classmethod
    def _of(cls, members: Any) -> "ArchivedEvent":
        return cls(
            int(members["index"]),
            int(members["number"]),
            UUID(members["event_id"]),
            str(members["at"]),
            base64.b64decode(members["digests"]),
            base64.b64decode(members["sealed"]),
        )


def hashes_path(log: str, name: TileName) -> str:
    """The file of the hashes beside a bundle of entries."""
    return f"{log}/{TileName(0, name.index, name.width).path}"


def entries_path(log: str, name: TileName) -> str:
    """The file of a bundle of entries."""
    return f"{log}/{name.path}.gz"


def events_path(log: str, name: TileName) -> str:
    """The file of the events of a bundle."""
    return f"{log}/{name.path.replace('tile/entries', 'events')}.jsonl.gz"


def list_path(log: str, start: int, end: int) -> str:
    """The file with the digests of all others."""
    return f"{log}/archive-{start}-{end}"


def list_text(digests: Mapping[str, str]) -> str:
    """SHA-256 by file name, in the lines of `sha256sum`."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def pack(content: bytes) -> bytes:
    """Compressed; the same bytes each time."""
    return gzip.compress(content, mtime=0)
