"""Shards: the log is a row of trees, one for each half-year, each tied to the one before. Pure.

A tree that grew for ever could never be archived or given to another key. So each half-year has a
tree of its own (Rekor v2 and the logs of Certificate Transparency do the same), named in the
origin of its checkpoints: `<name of the log>/2026h2`. Its first leaf holds the last checkpoint of
the tree before it, so that nobody can exchange a closed tree: who trusts the newest checkpoint
trusts all of them.

An installation from the time before shards has one more tree, named `0`, whose origin is the bare
name of the log: its checkpoints stay as they were signed.
"""

import re
from datetime import UTC, datetime

UNSHARDED = "0"
"""The tree from before there were shards. As text it stands before every half-year."""

_SHARD = re.compile(r"[0-9]{4}h[12][a-z]?")
_LINK_PREFIX = b"consent-vault/previous-checkpoint/v1\n"


def is_log(name: str) -> bool:
    """Whether a tree can have this name; one with a letter was begun anew after a loss."""
    return name == UNSHARDED or _SHARD.fullmatch(name) is not None


def shard_at(now: datetime) -> str:
    """The half-year in UTC: `2026h2`. Names stand in order of time when sorted as text."""
    moment = now.astimezone(UTC)
    return f"{moment.year:04d}h{1 if moment.month <= 6 else 2}"


def shard_after(log: str) -> str:
    """The half-year after that one."""
    year, half = int(log[:4]), log[4:]
    return f"{year:04d}h2" if half == "h1" else f"{year + 1:04d}h1"


def origin_of(name: str, log: str) -> str:
    """The origin of a shard's checkpoints (C2SP tlog-checkpoint); `name` is the whole log's."""
    return name if log == UNSHARDED else f"{name}/{log}"


def log_of(origin: str) -> str:
    """The shard that an origin names, whatever the name of the whole log was at that time.

    A half-year with a letter is a log that was begun anew after a loss (audit.rollback).
    """
    last = origin.rpartition("/")[2]
    return last if _SHARD.fullmatch(last) else UNSHARDED


def name_of(origin: str) -> str:
    """The name of the whole log whose shard has this origin; it stands in event promises."""
    return origin.removesuffix(f"/{log_of(origin)}")


def link_entry(checkpoint_text: str) -> bytes:
    """The first entry of a shard that is not the first: the last checkpoint before it, unsigned."""
    return _LINK_PREFIX + checkpoint_text.encode()


def linked_text(entry: bytes) -> str | None:
    """The text of the checkpoint that an entry holds, None for the entry of an event."""
    if not entry.startswith(_LINK_PREFIX):
        return None
    return entry.removeprefix(_LINK_PREFIX).decode("utf-8", "replace")
