"""The files of an exported log: names, the line of an event, the manifest. Pure.

| file | what |
|---|---|
| `checkpoint` | the signed note (C2SP tlog-checkpoint) |
| `cosignatures` | lines of witnesses under that note (C2SP tlog-cosignature), if there are any |
| `log.vkey` | the log's verification keys (C2SP signed-note), one to a line |
| `tile/…`, `tile/entries/…` | hashes and entries (C2SP tlog-tiles) |
| `events.jsonl` | a line for each entry: all digests, and the disclosures this reader may open |
| `policy` | the witnesses that the log asks (C2SP tlog-policy), if it asks any |
| `timestamps/<size>/checkpoint` | the note of that size, which an authority has stamped |
| `timestamps/<size>/<n>.tsr` | its answer (RFC 3161); the newest of each authority on each day |
| `manifest` | a note signed by the log's key, with the SHA-256 of every other file |

The lines of the manifest are those of `sha256sum`, so that this program can check them too.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from audit.json_line import parse_line, written_line

CHECKPOINT = "checkpoint"
COSIGNATURES = "cosignatures"
EVENTS = "events.jsonl"
MANIFEST = "manifest"
POLICY = "policy"
VKEY = "log.vkey"

TIMESTAMP = re.compile(
    r"timestamps/(?P<size>[1-9][0-9]{0,18})/(?P<file>checkpoint|(?:0|[1-9][0-9]?)\.tsr)"
)

_MANIFEST_HEADER = "consent-vault/bundle/v1"
_MANIFEST_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>[!-~]{1,255})")


class BundleFileError(ValueError):
    """A line or manifest that is not in canonical form."""


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event of an exported log."""

    index: int
    event_id: UUID
    digests: tuple[bytes, ...]
    disclosures: tuple[str, ...]

    def __str__(self) -> str:
        members = {
            "index": self.index,
            "event_id": str(self.event_id),
            "digests": [base64.b64encode(each).decode("ascii") for each in self.digests],
            "disclosures": list(self.disclosures),
        }
        return written_line(members)

    @classmethod
    def parse(cls, line: str) -> "EventLine":
        """Only what `str` gives. Raises BundleFileError."""
        return parse_line(line, cls._of, BundleFileError)

    @classmethod
    def _of(cls, members: Any) -> "EventLine":
        return cls(
            int(members["index"]),
            UUID(members["event_id"]),
            tuple(base64.b64decode(each) for each in members["digests"]),
            tuple(str(each) for each in members["disclosures"]),
        )


def sha256(data: bytes) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def manifest_text(origin: str, files: Mapping[str, bytes]) -> str:
    """The text of the manifest's note over all other files."""
    lines = [f"{sha256(files[name])}  {name}" for name in sorted(files)]
    return "\n".join([_MANIFEST_HEADER, origin, *lines, ""])


def parse_manifest(text: str, *, origin: str) -> dict[str, str]:
    """SHA-256 by file name. Raises BundleFileError."""
    head, lines = text.split("\n")[:2], text.split("\n")[2:-1]
    if head != [_MANIFEST_HEADER, origin]:
        raise BundleFileError("not the manifest of a bundle of this log")
    named = dict(map(_manifest_line, lines))
    if _names(lines) != sorted(named):
        raise BundleFileError("names not in order")
    return named


def _manifest_line(line: str) -> tuple[str, str]:
    match = _MANIFEST_LINE.fullmatch(line)
    if match is None:
        raise BundleFileError("not a line of a manifest")
    return match["name"], match["digest"]


def _names(lines: Sequence[str]) -> list[str]:
    return [line[66:] for line in lines]
