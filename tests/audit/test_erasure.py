"""Forgetting: what was said can be read by nobody, and every proof goes on to verify."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from audit.bundle import write_bundle
from audit.erasure import (
    ALL_YEARS,
    ORDERED,
    RETENTION_ENDED,
    destroy_ended_years,
    destroy_log_key,
    forget,
    forget_again,
    is_remembered,
    retention_runs,
    years_of,
)
from audit.model import SYSTEM, Actor, Entry, Event, Kind
from audit.outside_journal import JournalError, OutsideJournal
from audit.own_chain import own_chain
from audit.reader import entries_about, entry
from audit.search import Wanted, find
from audit.sequencer import Sequencer
from audit.store import tables
from audit.unit_of_work import Ledger, begin
from audit.verify import verify_bundle
from policies.ids import PersonId, PurposeId
from policies.vocabulary import LegalBasis
from tests.audit.sample import AINO, KELA, MATTI, NOW, record, signers

AID = PurposeId("aid")
YEAR = timedelta(days=365)


def released(person: PersonId = AINO) -> Event:
    return Event(
        kind=Kind.DATA_RELEASED,
        subject=person,
        organisation=KELA,
        purpose=AID,
        basis=LegalBasis.STATUTE,
    )


def forgotten(ledger: Ledger, person: PersonId = AINO, order: str | None = "H/7") -> bool:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return forget(uow, person, order=order)


def about(ledger: Ledger, person: PersonId) -> list[Entry]:
    with ledger.read() as connection:
        return entries_about(connection, ledger, person)


def found(ledger: Ledger, wanted: Wanted) -> int:
    with ledger.read() as connection:
        return len(find(connection, ledger, wanted).entries)


def destructions(ledger: Ledger) -> list[tuple[str | None, ...]]:
    """Of each event about destroyed keys: why, what, by which order, and who is named."""
    with ledger.read() as connection:
        page = find(connection, ledger, Wanted(kinds=frozenset({Kind.KEYS_DESTROYED})))
    names = ("reason", "reference", "case", "subject")
    return [tuple(each.get(n) for n in names) for each in page.entries if isinstance(each, Entry)]


@pytest.mark.parametrize(
    ("year", "years", "runs"),
    [
        (2026, 1, True),
        (2025, 1, True),
        (2024, 1, False),
        (2021, 5, True),
        (2020, 5, False),
        (1999, None, True),
    ],
)
def test_a_year_is_kept_to_the_end_of_the_last_year_of_its_retention(
    year: int, years: int | None, runs: bool
) -> None:
    assert retention_runs(year, years=years, now=NOW) is runs


def test_nothing_of_a_forgotten_person_is_found_or_read_by_anybody(ledger: Ledger) -> None:
    (event_id,) = record(ledger, happened=released())
    record(ledger, happened=released(MATTI))
    assert forgotten(ledger)
    assert about(ledger, AINO) == []
    with ledger.read() as connection:
        said = entry(connection, ledger, event_id)
    assert said is not None
    assert said.fields == {}
    for wanted in (Wanted(organisation=KELA), Wanted(purpose=AID), Wanted(person=MATTI)):
        assert found(ledger, wanted) == 1
    assert [each.kind for each in about(ledger, MATTI)] == [Kind.DATA_RELEASED]


def test_an_erased_entry_keeps_its_kind_and_time_and_nobodys_name(ledger: Ledger) -> None:
    record(ledger, happened=released())
    forgotten(ledger)
    with ledger.read() as connection:
        (row,) = connection.execute(
            select(tables.search).where(tables.search.c.kind == Kind.DATA_RELEASED)
        )
    assert row.at == NOW
    assert (row.organisation, row.purpose, row.basis) == (None, None, None)


def test_no_row_says_any_more_that_she_was_here(ledger: Ledger) -> None:
    record(ledger, happened=released(), actor=Actor.person(AINO))
    record(ledger, happened=released(MATTI), actor=Actor.person(AINO))
    forgotten(ledger)
    with ledger.read() as connection:
        for table in (tables.about, tables.acted, tables.head):
            assert AINO not in connection.execute(select(table.c.person_id)).scalars().all()
        owners = connection.execute(select(tables.log_key.c.owner)).scalars().all()
    assert all(str(AINO) not in owner for owner in owners)


def test_every_proof_goes_on_to_verify(ledger: Ledger, sequencer: Sequencer) -> None:
    record(ledger, 3, happened=released())
    record(ledger, happened=released(MATTI), actor=Actor.person(AINO))
    sequencer.run_once(NOW)
    forgotten(ledger)
    sequencer.run_once(NOW + timedelta(seconds=1))
    with ledger.read() as connection:
        bundle = write_bundle(connection, ledger, signers=signers())
    assert verify_bundle(bundle).size == 5


def test_the_others_chains_stay_whole(ledger: Ledger) -> None:
    record(ledger, happened=released(MATTI), actor=Actor.person(AINO))
    record(ledger, 2, happened=released(MATTI))
    forgotten(ledger)
    with ledger.read() as connection:
        chain = own_chain(connection, ledger, MATTI, now=NOW)
    assert (chain.gaps, chain.erased) == ((), ())


def test_what_she_does_afterwards_begins_a_new_chain(ledger: Ledger) -> None:
    record(ledger, 2, happened=released())
    forgotten(ledger)
    record(ledger, happened=released())
    with ledger.read() as connection:
        chain = own_chain(connection, ledger, AINO, now=NOW)
    assert (chain.gaps, chain.erased) == ((), ())
    assert [each.get("n") for each in about(ledger, AINO)] == ["1"]


def test_forgetting_is_recorded_with_its_order_and_without_a_name(ledger: Ledger) -> None:
    record(ledger, happened=released())
    forgotten(ledger)
    forgotten(ledger, MATTI, None)
    assert destructions(ledger) == [
        (None, ALL_YEARS, None, None),
        (ORDERED, ALL_YEARS, "H/7", None),
    ]


def test_of_whom_there_is_nothing_nothing_is_destroyed(ledger: Ledger) -> None:
    assert not forgotten(ledger)


def test_forgetting_that_does_not_commit_forgets_nothing(ledger: Ledger) -> None:
    record(ledger, happened=released())
    with pytest.raises(ZeroDivisionError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert 1 / (1 - forget(uow, AINO))
    assert [each.kind for each in about(ledger, AINO)] == [Kind.DATA_RELEASED]
    assert found(ledger, Wanted(organisation=KELA)) == 1


def test_one_year_goes_and_the_others_stay(ledger: Ledger) -> None:
    record(ledger, happened=released(), now=NOW - YEAR)
    record(ledger, happened=released())
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert years_of(uow, AINO) == [2025, 2026]
        assert destroy_log_key(uow, AINO, period="2025", reason=ORDERED, order="H/8")
        assert years_of(uow, AINO) == [2026]
    assert [each.kind for each in about(ledger, AINO)] == [Kind.DATA_RELEASED, None]
    assert found(ledger, Wanted(organisation=KELA)) == 1
    with ledger.read() as connection:
        chain = own_chain(connection, ledger, AINO, now=NOW)
    assert (chain.gaps, chain.erased) == ((), (2025,))
    assert destructions(ledger) == [(ORDERED, "2025", "H/8", None)]


def test_ended_years_go_for_everybody_and_are_counted(ledger: Ledger) -> None:
    for years in (3, 2, 1, 0):
        for person in (AINO, MATTI):
            record(ledger, happened=released(person), now=NOW - years * YEAR)
    record(ledger, happened=Event(kind=Kind.LOG_SEARCHED), now=NOW - 3 * YEAR)
    assert destroy_ended_years(ledger, before=2025, actor=SYSTEM, now=NOW) == 4
    assert destroy_ended_years(ledger, before=2025, actor=SYSTEM, now=NOW) == 0
    assert [each.kind is None for each in about(ledger, AINO)] == [False, False, True, True]
    assert found(ledger, Wanted(organisation=KELA)) == 4
    with ledger.read() as connection:
        owners = select(func.count()).where(tables.log_key.c.owner == "installation")
        assert connection.execute(owners).scalar_one() == 2
    assert [each[1] for each in destructions(ledger)] == [
        "2024 keys=2",
        "2024 entries=2",
        "2023 keys=2",
        "2023 entries=2",
    ]
    assert {(each[0], each[3]) for each in destructions(ledger)} == {(RETENTION_ENDED, None)}


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_a_year_of_many_goes_in_batches_and_whole(ledger: Ledger, batch: int) -> None:
    for seconds in range(2):
        for person in (AINO, MATTI):
            at = NOW - YEAR + timedelta(seconds=seconds)
            record(ledger, 2, happened=released(person), now=at)
    gone = destroy_ended_years(ledger, before=2026, actor=SYSTEM, now=NOW, batch=batch)
    assert gone == 2
    assert found(ledger, Wanted(organisation=KELA)) == 0
    assert all(each.kind is None for each in about(ledger, AINO))


def test_forgetting_again_takes_what_is_old_and_leaves_what_came_after(ledger: Ledger) -> None:
    record(ledger, happened=released())
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert not forget_again(uow, AINO, before=NOW - timedelta(seconds=1))
        assert forget_again(uow, AINO, before=NOW)
    record(ledger, happened=released(), now=NOW + timedelta(seconds=1))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert not forget_again(uow, AINO, before=NOW)
    assert [each.kind for each in about(ledger, AINO)] == [Kind.DATA_RELEASED]


def test_forgetting_again_asks_for_nothing_that_came_with_it_to_be_forgotten(
    ledger: Ledger, tmp_path: Path
) -> None:
    """All that a replay does again happens at one time."""
    ledger.journal = OutsideJournal(tmp_path / "journal", bytes(32))
    record(ledger, happened=released())
    later = NOW + timedelta(hours=1)
    with begin(ledger, actor=SYSTEM, now=later) as uow:
        assert forget_again(uow, AINO, before=NOW)
    record(ledger, happened=released(), now=later)
    (line,) = ledger.journal.read().entries
    assert line.at == NOW
    with ledger.read() as connection:
        assert not is_remembered(connection, AINO, before=line.at)


def test_an_entry_in_which_she_only_acted_is_enough_to_forget_her_again(ledger: Ledger) -> None:
    record(ledger, happened=released(MATTI), actor=Actor.person(AINO))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert forget_again(uow, AINO, before=NOW)
    assert [each.kind for each in about(ledger, MATTI)] == [Kind.DATA_RELEASED]


def test_while_the_journal_outside_cannot_be_written_nobody_is_forgotten(
    ledger: Ledger, tmp_path: Path
) -> None:
    record(ledger, happened=released())
    ledger.journal = OutsideJournal(tmp_path / "nowhere" / "journal", bytes(32))
    with pytest.raises(JournalError):
        forgotten(ledger)
    assert [each.kind for each in about(ledger, AINO)] == [Kind.DATA_RELEASED]
