"""What several files of one log say together: each may hold alone and contradict another. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from audit.checkpoint import Checkpoint
from audit.faults import BundleError, Fault
from audit.shards import UNSHARDED, log_of, name_of
from audit.trust import Signed, Trust
from audit.verify_checkpoint import OLDER, Kept
from audit.verify_times import Claim, Sighting, check_times


@dataclass(frozen=True, slots=True)
class Verified:
    """What one file proves of a log."""

    file: str
    signed: Signed
    leaves: Sequence[bytes] = field(repr=False)
    """Hashes of the entries that are proven to stand in the log."""
    whole: bool = False
    """Whether these are all of its entries."""
    previous: Checkpoint | None = None
    """The end of the log that this one goes on from."""
    first_known: bool = False
    """Whether the first entry was here to be read, so that it is known what it goes on from."""
    seen: Sequence[Sighting] = ()
    claims: Sequence[Claim] = ()
    """Times that are not held yet against what was seen of the log in other files."""

    @property
    def origin(self) -> str:
        return self.signed.checkpoint.origin

    @property
    def name(self) -> str:
        """The name of the whole log."""
        return name_of(self.origin)

    @property
    def log(self) -> str:
        """Which of its trees this is (audit.shards)."""
        return log_of(self.origin)

    @property
    def begins_history(self) -> bool:
        """Whether it names no log before it, though it is one of several by its name."""
        return self.first_known and self.previous is None and self.log != UNSHARDED


def check_together(
    files: Sequence[Verified], trust: Trust, kept: Kept, first_log: str | None
) -> None:
    """Raises BundleError with the first thing that does not fit."""
    whole = [each for each in files if each.whole]
    _check_kept(whole, kept)
    _check_links(whole)
    for each in whole:
        _check_first(each, whole, trust, first_log)
    if trust.since is not None:
        _check_fresh(files, trust.since)
    for each in files:
        _check_claims(each, [log for log in whole if log.origin == each.origin])


def _check_kept(whole: Sequence[Verified], kept: Kept) -> None:
    """A checkpoint that was kept and is of none of these logs has not been held against any."""
    if not set(kept) <= {each.origin for each in whole}:
        raise BundleError(Fault.OTHER_LOG, OLDER)


def _check_links(whole: Sequence[Verified]) -> None:
    """A log that goes on from another one here goes on from its end, and passes none over."""
    ends: dict[str, Checkpoint] = {}
    for each in sorted(whole, key=lambda log: log.signed.checkpoint.size):
        ends[each.origin] = each.signed.checkpoint
    for each in whole:
        if each.previous is not None and ends.get(each.previous.origin, each.previous) != (
            each.previous
        ):
            raise BundleError(Fault.LINK, each.origin, 0)
    for before, after in _in_order(whole):
        if after.previous is not None and log_of(after.previous.origin) < before.log:
            raise BundleError(Fault.LINK, after.origin, 0)


def _in_order(whole: Sequence[Verified]) -> Iterator[tuple[Verified, Verified]]:
    """Each tree of a log here with the next newer one of the same log."""
    by_name: defaultdict[str, dict[str, Verified]] = defaultdict(dict)
    for each in whole:
        by_name[each.name][each.log] = each
    for trees in by_name.values():
        yield from pairwise(trees[log] for log in sorted(trees))


def _check_first(
    log: Verified, whole: Sequence[Verified], trust: Trust, first_log: str | None
) -> None:
    """Only the first log of an installation goes on from no other.

    Nothing in it can prove that it is the first one. So whatever else names an older one counts:
    a file given beside it, a key that the reader has for an older one, and her own word.
    """
    if log.previous is not None and log.log == first_log:
        raise BundleError(Fault.NOT_FIRST, log.origin, 0)
    if not log.begins_history:
        return
    known = {each.log for each in whole if each.name == log.name}
    known |= {log_of(key.name) for key in trust.logs if name_of(key.name) == log.name != key.name}
    begun_anew = log.log[-1].isalpha()  # after a loss, and its first entry says of which log
    if begun_anew or min(known) < log.log or first_log not in {None, log.log}:
        raise BundleError(Fault.UNLINKED, log.origin, 0)


def _check_fresh(files: Sequence[Verified], since: datetime) -> None:
    """Of each log the newest tree: one that is closed is cosigned no more."""
    newest: dict[str, str] = {}
    for each in files:
        newest[each.name] = max(each.log, newest.get(each.name, ""))
    for each in files:
        at = max(each.signed.cosigned.values(), default=None)
        if each.log == newest[each.name] and (at is None or at < since):
            raise BundleError(Fault.STALE, each.file)


def _check_claims(event: Verified, whole: Sequence[Verified]) -> None:
    """The time of a single event against what was seen of its log, where that is here too."""
    for claim in event.claims:
        check_times([claim], event.seen, file=event.file)
        for log in whole:
            if claim.index < len(log.leaves):
                _check_place(event, claim, log)


def _check_place(event: Verified, claim: Claim, log: Verified) -> None:
    if log.leaves[claim.index] != event.leaves[0]:
        raise BundleError(Fault.TWO_HISTORIES, event.file, claim.index)
    check_times([claim], log.seen, file=event.file)
