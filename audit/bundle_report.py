"""What a verified bundle proves and tells, for people and for programs. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.checkpoint import Checkpoint
from audit.trust import Signed
from audit.verify_entries import Contents
from audit.verify_times import Sighting
from audit.verify_timestamps import CheckedStamp


@dataclass(frozen=True, slots=True)
class Report:
    """What a bundle proves, and what its log tells."""

    signed: Signed
    key_from_bundle: bool
    """True when nobody said which key to trust, so that the bundle's own was taken."""
    previous: Checkpoint | None
    """The end of the log that this one continues, when it is not the first."""
    continues: tuple[int, ...]
    """Sizes of the older checkpoints that it was shown to continue."""
    stamps: tuple[CheckedStamp, ...]
    """Time stamps of this log by authorities outside."""
    quorum_of_log: bool | None
    """Whether the witnesses that the log itself names have cosigned; None when it names none."""
    kinds: Mapping[str, int]
    """How many events of each kind could be read."""
    closed: int
    """How many events say nothing to this reader: their key is destroyed or not hers."""
    first_at: str | None
    last_at: str | None
    seen: Sequence[Sighting]
    """At which sizes somebody outside has seen the log, and when."""
    timed: int
    """How many entries say a time, which was held against that."""
    leaves: Sequence[bytes] = field(repr=False)
    """The hashes of all entries."""

    @property
    def origin(self) -> str:
        return self.signed.checkpoint.origin

    @property
    def size(self) -> int:
        return self.signed.checkpoint.size

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return signed_json(self.signed) | {
            "key_from_bundle": self.key_from_bundle,
            "previous": None if self.previous is None else checkpoint_json(self.previous),
            "continues": list(self.continues),
            "stamps": [each.to_json() for each in self.stamps],
            "quorum_of_log": self.quorum_of_log,
            "kinds": dict(self.kinds),
            "closed": self.closed,
            "first_at": self.first_at,
            "last_at": self.last_at,
            "times_checked": self.timed,
        }

    def __str__(self) -> str:
        lines = [
            log_line(self.signed.checkpoint),
            *signed_lines(self.signed, key_from_log=self.key_from_bundle),
            *self._lines_of_log(),
            *(f"{count:8d}  {kind}" for kind, count in sorted(self.kinds.items())),
        ]
        if self.closed:
            lines.append(f"{self.closed:8d}  closed to this reader, or their key is destroyed")
        if self.first_at:
            lines.append(f"From {self.first_at} to {self.last_at}")
        if self.timed:
            lines.append(f"The times of {self.timed} entries agree with when others saw the log")
        return "\n".join(lines)

    def _lines_of_log(self) -> list[str]:
        lines = []
        if self.previous is not None:
            lines.append(f"It continues {self.previous.origin} after entry {self.previous.size}")
        lines += [f"It continues the checkpoint of {size} entries" for size in self.continues]
        lines += map(str, self.stamps)
        if self.quorum_of_log is not None:
            word = "is reached" if self.quorum_of_log else "is NOT reached"
            lines.append(f"The quorum of witnesses that the log itself names {word}")
        return lines


def report_of(
    signed: Signed,
    contents: Contents,
    *,
    continues: Sequence[int],
    stamps: Sequence[CheckedStamp],
    seen: Sequence[Sighting],
    timed: int,
    key_from_bundle: bool,
    quorum_of_log: bool | None,
) -> Report:
    """The report on a log with these contents."""
    fields = contents.fields
    times = sorted(str(each["at"]) for each in fields if "at" in each)
    kinds = Counter(str(each["kind"]) for each in fields if "kind" in each)
    return Report(
        signed=signed,
        key_from_bundle=key_from_bundle,
        previous=contents.previous,
        continues=tuple(continues),
        stamps=tuple(stamps),
        quorum_of_log=quorum_of_log,
        kinds=dict(sorted(kinds.items())),
        closed=len(fields) - kinds.total(),
        first_at=times[0] if times else None,
        last_at=times[-1] if times else None,
        seen=tuple(seen),
        timed=timed,
        leaves=contents.leaves,
    )


def log_line(checkpoint: Checkpoint) -> str:
    """That a log verifies, and which."""
    root = checkpoint.root.hex()
    return f"The log {checkpoint.origin} verifies: {checkpoint.size} entries, root {root}"


def signed_lines(signed: Signed, *, key_from_log: bool) -> list[str]:
    """Who has signed, one to a line."""
    lines = [f"Key {key}" if len(key) <= 200 else f"Key {key[:100]}…" for key in signed.log_keys]
    if key_from_log:
        lines.append("  taken from the log itself: compare it with one from a source you trust")
    for name, at in signed.cosigned.items():
        lines.append(f"Cosigned by {ascii(name)[1:-1]} at {at.isoformat()}")
    return lines


def signed_json(signed: Signed) -> dict[str, Any]:
    """A checkpoint and who has signed it, as JSON values."""
    return checkpoint_json(signed.checkpoint) | {
        "keys": list(signed.log_keys),
        "cosigned": {name: at.isoformat() for name, at in signed.cosigned.items()},
    }


def checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """A checkpoint as JSON values."""
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
