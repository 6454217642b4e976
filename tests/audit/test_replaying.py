"""The journal gone through again: which lines, in which order, and each for itself."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection

from audit.journal_line import JournalEntry, Told, consent_over, log_forgotten
from audit.model import SYSTEM, Event, Kind
from audit.outside_journal import OutsideJournal
from audit.reader import search
from audit.replaying import Replayed, Word, changed_since, is_behind, replay_words
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import ConsentId, EventId, PersonId

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> OutsideJournal:
    return OutsideJournal(tmp_path / "journal", bytes(range(32)))


class Memory:
    """A room that has forgotten everything, and does again what it is asked."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.done: list[int] = []
        self.fails_at = fails_at

    def words(self) -> Mapping[Told, Word]:
        return {Told.CONSENT_ENDED: Word(self.is_forgotten, self.again)}

    def is_forgotten(self, _connection: Connection, entry: JournalEntry) -> bool:
        return entry.id_at(0).int not in self.done

    def again(self, uow: UnitOfWork, entry: JournalEntry) -> None:
        number = entry.id_at(0).int
        uow.record(Event(kind=Kind.CONSENT_CHANGED, reference=str(number)))
        if number == self.fails_at:
            raise OSError
        self.done.append(number)


def line(number: int, *, hours: int = 0) -> JournalEntry:
    at = NOW - timedelta(hours=hours)
    return consent_over(ConsentId(UUID(int=number)), withdrawn=False, at=at)


def replayed(ledger: Ledger, memory: Memory, *journals: OutsideJournal) -> Replayed:
    return replay_words(ledger, memory.words(), journals, now=NOW, actor=SYSTEM)


def references(ledger: Ledger) -> list[str | None]:
    with ledger.read() as connection:
        found = search(connection, ledger, kind=Kind.CONSENT_CHANGED)
    return [each.get("reference") for each in found][::-1]


def test_journals_of_several_hosts_are_one_by_their_times(
    ledger: Ledger, journal: OutsideJournal, tmp_path: Path
) -> None:
    other = journal.beside(tmp_path / "other")
    journal.append([line(1, hours=4), line(3, hours=2)])
    other.append([line(2, hours=3), line(4, hours=1)])
    memory = Memory()
    found = replayed(ledger, memory, journal, other)
    assert memory.done == [1, 2, 3, 4]
    assert (found.ended, found.erased, found.nothing_to_do) == (4, 0, 0)
    with ledger.read() as connection:
        told = search(connection, ledger, kind=Kind.JOURNAL_REPLAYED)
    assert {each.get("digest") for each in told} == {
        journal.read().digest,
        other.read().digest,
    }


def test_lines_of_one_journal_keep_their_order_whatever_the_clock_said(
    ledger: Ledger, journal: OutsideJournal
) -> None:
    journal.append([line(1, hours=1), line(2, hours=5), line(3, hours=2)])
    memory = Memory()
    replayed(ledger, memory, journal)
    assert memory.done == [1, 2, 3]


def test_a_replay_that_fails_goes_on_where_it_stopped(
    ledger: Ledger, journal: OutsideJournal
) -> None:
    journal.append([line(1), line(2), line(3)])
    memory = Memory(fails_at=2)
    with pytest.raises(OSError):  # noqa: PT011  # as it was raised
        replayed(ledger, memory, journal)
    assert references(ledger) == ["1"], "what failed left nothing"
    memory.fails_at = None
    assert replayed(ledger, memory, journal).done == (Told.CONSENT_ENDED,) * 2
    assert references(ledger) == ["1", "2", "3"]


def test_what_is_known_is_left(ledger: Ledger, journal: OutsideJournal) -> None:
    journal.append([line(1), line(2)])
    memory = Memory()
    memory.done.append(1)
    found = replayed(ledger, memory, journal)
    assert (found.left, found.done) == ((line(1),), (Told.CONSENT_ENDED,))


def test_a_word_that_no_room_here_knows_is_left(ledger: Ledger, journal: OutsideJournal) -> None:
    forgotten = log_forgotten(PersonId(UUID(int=1)), at=NOW)
    journal.append([forgotten])
    memory = Memory()
    with ledger.read(EVERYONE) as connection:
        assert not is_behind(connection, memory.words(), journal)
    assert replayed(ledger, memory, journal).left == (forgotten,)


def test_a_database_is_behind_as_long_as_one_line_is_forgotten(
    ledger: Ledger, journal: OutsideJournal
) -> None:
    journal.append([line(1), line(2)])
    memory = Memory()
    for known, behind in (([], True), ([1], True), ([1, 2], False)):
        memory.done[:] = known
        with ledger.read(EVERYONE) as connection:
            assert is_behind(connection, memory.words(), journal) is behind


@pytest.mark.parametrize(
    ("hours", "newer"), [(1, True), (0, True), (-1, False)], ids=["later", "then", "before"]
)
def test_what_an_event_accounts_for_is_newer_than_a_line_or_not(
    ledger: Ledger, hours: int, newer: bool
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW + timedelta(hours=hours)) as uow:
        event_id = uow.record(Event(kind=Kind.ROLE_GRANTED))
    with ledger.read() as connection:
        assert changed_since(connection, event_id, NOW) is newer


@pytest.mark.parametrize(
    ("hours", "told"), [(1, False), (0, True), (-1, True)], ids=["later", "then", "before"]
)
def test_of_an_archived_event_only_a_line_after_the_first_one_here_is_newer(
    ledger: Ledger, hours: int, told: bool
) -> None:
    """A line that this database has lived through for years is not new to it."""
    archived = EventId(UUID(int=1))
    with ledger.read() as connection:
        assert not changed_since(connection, archived, NOW), "there is no event at all"
    for each in (NOW, NOW + timedelta(days=1)):
        with begin(ledger, actor=SYSTEM, now=each) as uow:
            uow.record(Event(kind=Kind.ROLE_GRANTED))
    with ledger.read() as connection:
        assert changed_since(connection, archived, NOW + timedelta(hours=hours)) is told
