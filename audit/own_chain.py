"""Whether a person's own log is whole: her chain (audit.person_chain), read from what is stored.

What is hidden from the list leaves a gap in the numbers that are sealed in the other entries, and
what is hidden at the newest end falls short of the chain's head. Only an operator who takes the
newest entries and the head back together is not seen here: the receipts and promises that others
hold, and the next entry but for one that hides this too, tell of that.

What a law keeps back from her for a while is read here all the same, so that it leaves no gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit.model import Entry, written_time
from audit.person_chain import FIRST, Break, ChainError, Fault, Link, Part, Position, breaks
from audit.reader import opened_entries, own
from audit.seal import SealedEventError
from audit.store import own_chain as store
from audit.store import reading
from audit.store.reading import StoredEvent
from audit.unit_of_work import Ledger
from policies.ids import PersonId

MOST = 400
"""So many entries are checked at once; a thousand took 15 ms of a page."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place where the log is not whole."""

    fault: Fault
    missing: int
    """How many entries are not shown; 0 where it is not known."""
    after: datetime | None
    """Time of the entry before the gap, None where there is none."""
    before: datetime | None
    """Time of the entry behind the gap, None at the newest end."""


@dataclass(frozen=True, slots=True)
class CheckedChain:
    """What a stretch of the chain shows."""

    gaps: tuple[Gap, ...]
    """Newest first."""
    erased: tuple[int, ...]
    """Years whose entries say nothing any more, because their key was destroyed: no gap."""


def own_chain(
    connection: Connection,
    ledger: Ledger,
    person: PersonId,
    *,
    now: datetime,
    before: int | None = None,
    down_to: int = 0,
    limit: int = MOST,
) -> CheckedChain:
    """Check the newest entries of the person's chain, or those with row numbers below `before`.

    Down to the first one with a number below `down_to`, so that a page's oldest entry is held
    against the next one too, and `limit` of them at most.
    """
    found = store.stretch(connection, person, now=now, before=before, limit=limit)
    numbers = found.numbers[: sum(each >= down_to for each in found.numbers) + 1]
    stored = reading.numbered(connection, numbers[::-1])
    read = zip(stored, _links(connection, ledger, person, stored), strict=True)
    # What the index keeps back and the event itself does not is hidden: a gap, like any other.
    known = [(r, link) for r, link in read if r.number not in found.kept_back or link.later(now)]
    rows = [row for row, _ in known]
    erased = sorted({row.at.year for row, link in known if link.erased})
    chain = [each.link for _, each in known]
    if before is None:  # the head is what a next entry would be held against
        chain.append(Link(_next(found.head), b""))
    reaches_back = len(numbers) == len(found.numbers) < limit
    whole = reaches_back and not _is_archived(numbers, stored)
    gaps = [_gap(each, rows) for each in breaks(chain, whole=whole)]
    return CheckedChain(tuple(gaps[::-1]), tuple(erased))


@dataclass(frozen=True, slots=True)
class _Read:
    link: Link
    erased: bool
    visible_from: str | None = None

    def later(self, now: datetime) -> bool:
        """Whether a law keeps it back from the person; of what is erased nobody can tell."""
        return self.erased or (self.visible_from or "") > written_time(now)


def _links(
    connection: Connection, ledger: Ledger, person: PersonId, rows: Sequence[StoredEvent]
) -> list[_Read]:
    """All at once, which costs one question for keys; one by one where that fails."""
    try:
        entries = opened_entries(connection, ledger, rows, own(person))
    except SealedEventError:
        return [_one(connection, ledger, person, row) for row in rows]
    return [_read(row, entry, person) for row, entry in zip(rows, entries, strict=True)]


def _one(connection: Connection, ledger: Ledger, person: PersonId, row: StoredEvent) -> _Read:
    try:
        (entry,) = opened_entries(connection, ledger, [row], own(person))
    except SealedEventError:  # its line says so by itself
        return _Read(Link(None, row.commitment), erased=False)
    return _read(row, entry, person)


def _read(row: StoredEvent, entry: Entry, person: PersonId) -> _Read:
    part = Part.SUBJECT if entry.subject == person else Part.ACTOR
    try:
        position = Position.of(entry.fields, part)
    except ChainError:
        position = None
    nothing_of_hers = part is Part.ACTOR and "actor" not in entry.fields
    kept_back = entry.get("visible_from")
    return _Read(Link(position, row.commitment), nothing_of_hers, kept_back)


def _next(head: tuple[int, bytes] | None) -> Position:
    return FIRST if head is None else Position(head[0] + 1, head[1])


def _is_archived(numbers: Sequence[int], rows: Sequence[StoredEvent]) -> bool:
    """Whether the oldest of these events are no longer here, as after pruning (audit.archive).

    Whether they went there or were taken away shows the tree, which has their leaves.
    """
    return bool(numbers) and (not rows or rows[0].number != numbers[-1])


def _gap(found: Break, rows: Sequence[StoredEvent]) -> Gap:
    return Gap(
        found.fault,
        found.missing,
        rows[found.at - 1].at if found.at > 0 else None,
        rows[found.at].at if found.at < len(rows) else None,
    )
