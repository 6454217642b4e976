"""A unit of work tells the journal before it commits; what may not be late fails with it."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from audit.journal_line import JournalEntry, consent_over, person_erased
from audit.late import catch_up, waiting
from audit.model import SYSTEM, Event, Kind
from audit.outside_journal import JournalError, OutsideJournal
from audit.reader import search
from audit.unit_of_work import Ledger, begin
from policies.ids import ConsentId, PersonId

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ENDED = consent_over(ConsentId(UUID(int=1)), withdrawn=True, at=NOW)
ERASED = person_erased(UUID(int=2), PersonId(UUID(int=3)), at=NOW)


@pytest.fixture
def journal(tmp_path: Path) -> OutsideJournal:
    return OutsideJournal(tmp_path / "outside" / "journal", bytes(32))


@pytest.fixture
def told(ledger: Ledger, journal: OutsideJournal) -> Ledger:
    """A ledger whose journal can be written once its folder is there."""
    ledger.journal = journal
    return ledger


@pytest.fixture
def writable(told: Ledger, journal: OutsideJournal) -> Ledger:
    journal.path.parent.mkdir()
    return told


def tell(ledger: Ledger, entry: JournalEntry, *, may_be_late: bool) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        uow.record(Event(kind=Kind.CONSENT_WITHDRAWN))
        uow.tell_outside(entry, may_be_late=may_be_late)


def kinds(ledger: Ledger) -> list[Kind | None]:
    with ledger.read() as connection:
        return [each.kind for each in search(connection, ledger)]


def late(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return waiting(connection)


@pytest.mark.parametrize("may_be_late", [True, False])
def test_the_journal_hears_of_what_is_committed(writable: Ledger, may_be_late: bool) -> None:
    tell(writable, ENDED, may_be_late=may_be_late)
    assert writable.journal is not None
    assert writable.journal.read().entries == (ENDED,)
    assert kinds(writable) == [Kind.CONSENT_WITHDRAWN]
    assert late(writable) == 0


def test_the_journal_is_written_before_the_commit(writable: Ledger) -> None:
    def end_and_fail() -> None:
        with begin(writable, actor=SYSTEM, now=NOW) as uow:
            uow.tell_outside(ERASED, may_be_late=False)
            uow.end()
            raise KeyError

    with pytest.raises(KeyError):
        end_and_fail()
    assert writable.journal is not None
    assert writable.journal.read().entries == (ERASED,)
    assert kinds(writable) == []


def test_nothing_is_told_by_a_unit_of_work_that_fails(writable: Ledger) -> None:
    def fail() -> None:
        with begin(writable, actor=SYSTEM, now=NOW) as uow:
            uow.tell_outside(ENDED, may_be_late=True)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert writable.journal is not None
    assert writable.journal.read().entries == ()


def test_an_erasure_fails_when_the_journal_cannot_be_written(told: Ledger) -> None:
    with pytest.raises(JournalError):
        tell(told, ERASED, may_be_late=False)
    assert kinds(told) == []
    assert late(told) == 0


def test_a_withdrawal_goes_through_and_its_entry_waits(
    told: Ledger, journal: OutsideJournal
) -> None:
    tell(told, ENDED, may_be_late=True)
    assert kinds(told) == [Kind.CONSENT_WITHDRAWN]
    assert late(told) == 1
    with pytest.raises(JournalError):
        catch_up(told, now=NOW)
    assert late(told) == 1
    journal.path.parent.mkdir()
    assert catch_up(told, now=NOW) == 1
    assert journal.read().entries == (ENDED,)
    assert late(told) == 0
    assert Kind.JOURNAL_LATE in kinds(told)
    assert catch_up(told, now=NOW) == 0
    assert journal.read().entries == (ENDED,)


def test_a_withdrawal_beside_an_erasure_fails_with_it(told: Ledger) -> None:
    def both() -> None:
        with begin(told, actor=SYSTEM, now=NOW) as uow:
            uow.record(Event(kind=Kind.CONSENT_WITHDRAWN))
            uow.tell_outside(ENDED, may_be_late=True)
            uow.tell_outside(ERASED, may_be_late=False)

    with pytest.raises(JournalError):
        both()
    assert kinds(told) == []
    assert late(told) == 0


def test_a_ledger_without_a_journal_tells_nobody(ledger: Ledger) -> None:
    tell(ledger, ERASED, may_be_late=False)
    assert catch_up(ledger, now=NOW) == 0
