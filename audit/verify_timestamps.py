"""Time stamps in an exported log: who outside has seen which part of it, and when. Pure.

A stamp counts only for somebody who names the roots of authorities that she trusts. Their tokens
are read by the package `rfc3161-client`; where it is missing, the report says that the stamps were
not checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.bundle_files import TIMESTAMP
from audit.faults import BundleError, Fault
from audit.trust import Signed, Trust
from audit.verify_checkpoint import check_history, claimed
from audit.verify_times import Sighting

_NOTE = "checkpoint"


@dataclass(frozen=True, slots=True)
class CheckedStamp:
    """One stamp. Without a time it was not checked, for the reason given."""

    size: int
    at: datetime | None
    authority: str | None
    unchecked: str | None = None

    def __str__(self) -> str:
        if self.at is None:
            return f"A time stamp at {self.size} entries was not checked: {self.unchecked}"
        authority = ascii(self.authority)[1:-1]
        return f"Stamped at {self.size} entries on {self.at.isoformat()} by {authority}"

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        at = None if self.at is None else self.at.isoformat()
        return {
            "size": self.size,
            "at": at,
            "authority": self.authority,
            "unchecked": self.unchecked,
        }


def seen_by_authorities(stamps: Sequence[CheckedStamp]) -> list[Sighting]:
    """What the authorities that the reader trusts have seen."""
    return [Sighting.at(each.size, each.at) for each in stamps if each.at is not None]


def is_stamp(name: str) -> bool:
    """Whether a file of a bundle belongs to a time stamp."""
    return TIMESTAMP.fullmatch(name) is not None


def check_timestamps(
    files: Mapping[str, bytes],
    newest: Signed,
    leaves: Sequence[bytes],
    trust: Trust,
) -> list[CheckedStamp]:
    """Each stamp is of a checkpoint that this log continues. Raises BundleError.

    The log's signature on it is not asked for: its key may be retired by now, and whoever stamped
    the root over these entries has seen them, whoever had signed it.
    """
    stamps = []
    names = {name: match for name in sorted(files) if (match := TIMESTAMP.fullmatch(name))}
    stamped_sizes = {match["size"] for match in names.values() if match["file"] != _NOTE}
    for name, match in names.items():
        if match["file"] == _NOTE:
            if match["size"] not in stamped_sizes:  # what no stamp is about, nothing checks
                raise BundleError(Fault.UNKNOWN_FILE, name)
            continue
        size, place = int(match["size"]), f"timestamps/{match['size']}/{_NOTE}"
        if place not in files:
            raise BundleError(Fault.MISSING, place)
        stamped = claimed(files[place], place)
        check_history(stamped, newest, leaves, file=place)
        if stamped.size != size:
            raise BundleError(Fault.TIMESTAMP, place)
        stamps.append(_check(files[name], files[place], name, size, trust))
    return stamps


def _check(token: bytes, note: bytes, name: str, size: int, trust: Trust) -> CheckedStamp:
    if not trust.authorities:
        return CheckedStamp(size, None, None, "no authority is named (--tsa-roots)")
    from audit.timestamp import (  # brings much that is not needed where nothing is to be checked
        LibraryMissingError,
        TimestampError,
        UntrustedAuthorityError,
        verify_token,
    )

    try:
        stamp = verify_token(token, note, trust.authorities)
    except LibraryMissingError:
        return CheckedStamp(size, None, None, "the package rfc3161-client is not installed")
    except UntrustedAuthorityError:
        # A log may ask several authorities of which this reader trusts only one.
        return CheckedStamp(size, None, None, "its authority is under none of the roots named")
    except TimestampError as error:
        raise BundleError(Fault.TIMESTAMP, name) from error
    return CheckedStamp(size, stamp.at, stamp.authority)
