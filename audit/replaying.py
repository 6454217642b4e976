"""Doing again what a restored database has forgotten: the words of the journal, a table of them.

Each room knows what its words ask (`consent.replay`, `vault.replay`, `service.roles`). Here the
lines are gone through: each that is done is a unit of work of its own with its events, so a replay
that is stopped goes on where it stopped, and one that runs twice finds nothing to do. Nobody may be
let in before it has ended.

The journal is written before the commit, so it may tell of what then failed to commit: somebody had
asked for it, was told that it failed, and now it is done. It never tells of too little.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge

from sqlalchemy import Connection

from audit.journal_line import JournalEntry, Told
from audit.model import Actor, Event, Kind
from audit.outside_journal import Fault, OutsideJournal
from audit.reader import first_entry_at, happened_at
from audit.scope import SERVICE, Scope
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import EventId

IsForgotten = Callable[[Connection, JournalEntry], bool]
Again = Callable[[UnitOfWork, JournalEntry], object]


@dataclass(frozen=True, slots=True)
class Word:
    """What one word of the journal asks."""

    is_forgotten: IsForgotten
    """Whether this database does not know it, and there is something to be done about that."""
    again: Again
    """Do it; called only where it is forgotten."""
    about: Scope = SERVICE


Words = Mapping[Told, Word]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found and did."""

    done: tuple[Told, ...]
    """What was done again, line by line."""
    left: tuple[JournalEntry, ...]
    """Lines that the database knew already, or that are about what it is too old to hold."""
    faults: tuple[Fault, ...]
    """What is wrong with the journal itself; all lines that are whole were replayed."""

    @property
    def nothing_to_do(self) -> int:
        return len(self.left)

    @property
    def erased(self) -> int:
        return self.count(Told.PERSON_ERASED, Told.DATASET_ERASED, Told.LOG_FORGOTTEN)

    @property
    def ended(self) -> int:
        """Consents."""
        return self.count(Told.CONSENT_WITHDRAWN, Told.CONSENT_ENDED)

    def count(self, *words: Told) -> int:
        return sum(each in words for each in self.done)


def replay_words(
    ledger: Ledger,
    words: Words,
    journals: Sequence[OutsideJournal],
    *,
    now: datetime,
    actor: Actor,
) -> Replayed:
    """Do again what the journals tell and the database has forgotten: by their times, and each
    journal's lines in their own order.

    Raises JournalError, and what doing it raises.
    """
    contents = [each.read() for each in journals]
    done, left = list[Told](), list[JournalEntry]()
    for entry in merge(*(each.entries for each in contents), key=lambda each: each.at):
        if _again(ledger, words, entry, now=now, actor=actor):
            done.append(entry.what)
        else:
            left.append(entry)
    with begin(ledger, actor=actor, now=now) as uow:
        for content in contents:
            uow.record(Event(kind=Kind.JOURNAL_REPLAYED, digest=content.digest))
    return Replayed(
        done=tuple(done),
        left=tuple(left),
        faults=tuple(fault for content in contents for fault in content.faults),
    )


def is_behind(connection: Connection, words: Words, journal: OutsideJournal) -> bool:
    """Whether the journal tells of something that this database has forgotten: an older copy of it
    stands here, whoever brought it. The connection sees everyone. Raises JournalError."""
    return any(
        words[entry.what].is_forgotten(connection, entry)
        for entry in journal.read().entries
        if entry.what in words
    )


def changed_since(connection: Connection, event_id: EventId, at: datetime) -> bool:
    """Whether what the event accounts for stands so since then, or later: a line of the journal is
    not newer. Of an archived event nobody knows more than that it is older than the first one here:
    a line that is not newer than that one is no news to this database."""
    since = happened_at(connection, event_id) or first_entry_at(connection)
    return since is not None and since >= at


def _again(
    ledger: Ledger, words: Words, entry: JournalEntry, *, now: datetime, actor: Actor
) -> bool:
    """Whether there was anything to do about the line."""
    word = words.get(entry.what)
    if word is None:
        return False
    with begin(ledger, actor=actor, now=now, about=word.about) as uow:
        if not word.is_forgotten(uow.connection, entry):
            return False
        word.again(uow, entry)
    return True
