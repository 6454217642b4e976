"""A backup from before a dispute comes back: what the person restricted goes nowhere again."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine

from audit.check_report import Gap
from audit.completeness import check
from audit.journal_line import Told, dispute_settled, value_disputed
from audit.model import SYSTEM, Actor, Event, Kind
from audit.outside_journal import OutsideJournal
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from consent.notices import feed
from policies.ids import ClientId, DisputeId, PersonId, RecordId
from policies.vocabulary import Label, LegalBasis
from tests.database_backup import DatabaseBackup
from tests.vault.erasing import erased
from tests.vault.given import (
    AINO,
    EMPLOYER,
    GROSS,
    INCOME,
    NOW,
    TAX,
    VILLE,
    deposited,
    fact,
    released,
)
from tests.vault.replaying import is_behind_journal, joined, known_person, replayed
from tests.wrapping import MemoryWrapper
from vault.disputes import dispute, disputes_of, settle
from vault.disputes_again import left_unmarked
from vault.effects import EFFECTS
from vault.erasure import Request, erase_dataset
from vault.model import Dispute, DisputeReason, Outcome
from vault.unwanted import allow_again
from vault.vault import Vault

AT = NOW + timedelta(minutes=1)
SETTLED = NOW + timedelta(minutes=2)
CLIENT = ClientId("client-1")


@pytest.fixture
def ledger(engine: Engine, journal: OutsideJournal) -> Ledger:
    return Ledger(engine, MemoryWrapper(), journal=journal)


@pytest.fixture
def aino(ledger: Ledger, vault: Vault) -> PersonId:
    return known_person(ledger, vault, AINO)


def disputed(ledger: Ledger, vault: Vault, person: PersonId, *, restrict: bool = True) -> DisputeId:
    with begin(ledger, actor=Actor.person(person), now=AT) as uow:
        reason = DisputeReason.OUT_OF_DATE
        return dispute(
            uow, vault, person, attribute=GROSS, source=TAX, reason=reason, restrict=restrict
        )


def settled(ledger: Ledger, vault: Vault, person: PersonId, dispute_id: DisputeId) -> None:
    with begin(ledger, actor=SYSTEM, now=SETTLED, about=person) as uow:
        settle(uow, vault, person, dispute_id, Outcome.CORRECTED)


def stands(ledger: Ledger, person: PersonId) -> list[Dispute]:
    with ledger.read(person) as connection:
        return disputes_of(connection, person)


def withheld(ledger: Ledger, vault: Vault, person: PersonId) -> bool:
    return released(ledger, vault, person, GROSS, basis=LegalBasis.CONSENT).withheld == (GROSS,)


@pytest.mark.parametrize("restrict", [True, False])
def test_a_disputed_value_bears_its_mark_again(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId, restrict: bool
) -> None:
    backup.take()
    dispute_id = disputed(ledger, vault, aino, restrict=restrict)
    backup.restore()
    assert not withheld(ledger, vault, aino), "the backup has brought it back without its mark"
    assert replayed(ledger, vault).done == (Told.VALUE_DISPUTED,)
    assert withheld(ledger, vault, aino) is restrict
    (given,) = released(ledger, vault, aino, GROSS).facts
    assert given.labels == {Label.DISPUTED} | ({Label.RESTRICTED} if restrict else set())
    (found,) = stands(ledger, aino)
    assert (found.id, found.reason) == (dispute_id, DisputeReason.OUT_OF_DATE)
    assert (found.restricts, found.opened_at, found.outcome) == (restrict, AT, None)
    assert replayed(ledger, vault).done == ()


def test_it_is_an_event_and_who_has_got_the_value_is_told_again(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId
) -> None:
    released(ledger, vault, aino, GROSS)
    backup.take()
    dispute_id = disputed(ledger, vault, aino)
    backup.restore()
    replayed(ledger, vault)
    with ledger.read() as connection:
        happened = entries_about(connection, ledger, aino, kinds=[Kind.DATA_DISPUTED])
    assert [each.get("reference") for each in happened] == [str(dispute_id)]
    assert [each.get("reason") for each in happened] == ["out-of-date"]
    with begin(ledger, actor=Actor.client(CLIENT), now=SETTLED) as uow:
        (told,) = feed(uow, CLIENT, after=0).notices
        uow.record(Event(kind=Kind.FEED_READ, client=CLIENT))
    assert told[1].attributes == (GROSS,)
    report = check(ledger, [EFFECTS], now=SETTLED)
    assert [each for each in report.findings if each.gap is not Gap.EVENT_OVERDUE] == []


@pytest.mark.parametrize("before", ["dispute", "settlement"])
def test_what_was_settled_is_settled_again(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId, before: str
) -> None:
    if before == "dispute":
        backup.take()
    dispute_id = disputed(ledger, vault, aino)
    if before == "settlement":
        backup.take()
    settled(ledger, vault, aino, dispute_id)
    backup.restore()
    done = replayed(ledger, vault).done
    assert done[-1] is Told.DISPUTE_SETTLED
    assert len(done) == (2 if before == "dispute" else 1)
    (found,) = stands(ledger, aino)
    assert (found.outcome, found.settled_at) == (Outcome.CORRECTED, SETTLED)
    assert not withheld(ledger, vault, aino)
    assert replayed(ledger, vault).done == ()


def test_a_database_that_knows_it_all_is_not_behind(
    ledger: Ledger, vault: Vault, aino: PersonId
) -> None:
    settled(ledger, vault, aino, disputed(ledger, vault, aino))
    disputed(ledger, vault, aino)
    assert not is_behind_journal(ledger, vault)
    assert replayed(ledger, vault).nothing_to_do == 3


def test_the_same_value_deposited_anew_after_an_erasure_is_another_one(
    ledger: Ledger, vault: Vault, aino: PersonId
) -> None:
    """Else each start would take a database that is up to date for an older one."""
    disputed(ledger, vault, aino)
    with begin(ledger, actor=Actor.person(aino), now=SETTLED) as uow:
        erase_dataset(uow, vault, aino, INCOME, Request.by_wish())
    with begin(ledger, actor=Actor.person(aino), now=SETTLED) as uow:
        allow_again(uow, vault, aino, INCOME)
    deposited(ledger, vault, aino, fact())
    assert not is_behind_journal(ledger, vault)
    assert not withheld(ledger, vault, aino)


def test_a_dispute_that_came_along_with_another_record_is_not_behind(
    ledger: Ledger, vault: Vault, aino: PersonId
) -> None:
    ville = known_person(ledger, vault, VILLE)
    for each in (aino, ville):
        disputed(ledger, vault, each)
    joined(ledger, vault, aino, ville)
    assert not is_behind_journal(ledger, vault)


def test_disputes_of_both_are_marked_again_before_the_two_become_one(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId
) -> None:
    ville = known_person(ledger, vault, VILLE)
    backup.take()
    disputed(ledger, vault, ville)
    joined(ledger, vault, aino, ville)
    backup.restore()
    assert replayed(ledger, vault).count(Told.VALUE_DISPUTED, Told.PEOPLE_MERGED) == 2
    assert withheld(ledger, vault, aino)


def test_a_record_that_another_dispute_marks_keeps_that_one(
    ledger: Ledger, vault: Vault, aino: PersonId, journal: OutsideJournal
) -> None:
    dispute_id = disputed(ledger, vault, aino)
    (found,) = stands(ledger, aino)
    other = DisputeId(UUID(int=3))
    journal.append([value_disputed(other, aino, found.record, bytes(32), at=AT)])
    assert replayed(ledger, vault).done == ()
    assert [each.id for each in stands(ledger, aino)] == [dispute_id]


@pytest.mark.parametrize("known", [True, False])
def test_a_line_about_what_is_not_here_is_nothing_to_do(
    ledger: Ledger, vault: Vault, aino: PersonId, journal: OutsideJournal, known: bool
) -> None:
    person = aino if known else PersonId(UUID(int=404))
    dispute_id, record = DisputeId(UUID(int=1)), RecordId(UUID(int=2))
    journal.append([value_disputed(dispute_id, person, record, bytes(32), at=AT)])
    journal.append([dispute_settled(dispute_id, person, bytes(32), at=AT)])
    assert replayed(ledger, vault).nothing_to_do == 2


def test_what_the_person_says_does_not_stand_in_the_journal(
    ledger: Ledger, vault: Vault, aino: PersonId, journal: OutsideJournal
) -> None:
    settled(ledger, vault, aino, disputed(ledger, vault, aino))
    content = journal.path.read_text()
    for planted in ("out-of-date", "corrected", "income", "incomes-register", AINO):
        assert planted not in content


def test_whose_value_came_after_the_backup_is_named(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId
) -> None:
    """Its mark cannot be made here: when the source sends it again, it has none."""
    ville = known_person(ledger, vault, VILLE)
    backup.take()
    for each, value in ((aino, "A"), (aino, "B"), (ville, "C")):
        deposited(ledger, vault, each, fact(EMPLOYER, value))
    opened = {}
    for each in (aino, ville):
        with begin(ledger, actor=Actor.person(each), now=AT) as uow:
            reason = DisputeReason.WRONG
            opened[each] = dispute(uow, vault, each, attribute=EMPLOYER, source=TAX, reason=reason)
    settled(ledger, vault, ville, opened[ville])
    backup.restore()
    left = replayed(ledger, vault).left
    with ledger.read(EVERYONE) as connection:
        assert left_unmarked(connection, left, since=NOW) == [aino]
        assert left_unmarked(connection, left, since=AT) == []
    erased(ledger, vault, aino)
    with ledger.read(EVERYONE) as connection:
        assert left_unmarked(connection, left, since=NOW) == []


def test_what_bears_its_mark_again_is_not_named(
    ledger: Ledger, vault: Vault, aino: PersonId
) -> None:
    disputed(ledger, vault, aino)
    left = replayed(ledger, vault).left
    with ledger.read(EVERYONE) as connection:
        assert left_unmarked(connection, left, since=NOW) == []


def test_a_dispute_does_not_wait_for_a_journal_that_cannot_be_written(
    ledger: Ledger, vault: Vault, aino: PersonId, journal: OutsideJournal
) -> None:
    journal.path.mkdir()
    disputed(ledger, vault, aino)
    assert withheld(ledger, vault, aino)
