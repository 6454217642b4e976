"""A backup from before two records became one comes back, and they become one again."""

from uuid import UUID

import pytest
from sqlalchemy import Engine

from audit.check_report import Gap
from audit.completeness import check
from audit.journal_line import Told, people_merged
from audit.model import Actor
from audit.outside_journal import JournalError, OutsideJournal
from audit.unit_of_work import Ledger, begin
from consent.effects import EFFECTS as CONSENT
from consent.model import Status
from consent.reading import consent
from policies.ids import PersonId
from tests.consent.flow import Flow
from tests.database_backup import DatabaseBackup
from tests.vault.erasing import erased, rows
from tests.vault.given import AINO, GLUCOSE, GROSS, INCOME, NOW, VILLE, viewed
from tests.vault.replaying import LATER, joined, known_person, replayed
from tests.wrapping import MemoryWrapper
from vault.effects import EFFECTS
from vault.erasure import Request, erase_dataset
from vault.names import who_before, who_now
from vault.people import IDENTITY_SCHEME, find_person
from vault.replay import replay
from vault.vault import Vault


@pytest.fixture
def ledger(engine: Engine, journal: OutsideJournal) -> Ledger:
    return Ledger(engine, MemoryWrapper(), journal=journal)


@pytest.fixture
def aino(ledger: Ledger, vault: Vault) -> PersonId:
    return known_person(ledger, vault, AINO)


@pytest.fixture
def ville(ledger: Ledger, vault: Vault) -> PersonId:
    return known_person(ledger, vault, VILLE)


@pytest.mark.parametrize("whole", [True, False])
def test_who_was_joined_to_an_erased_person_does_not_come_back_either(
    ledger: Ledger,
    vault: Vault,
    backup: DatabaseBackup,
    aino: PersonId,
    ville: PersonId,
    whole: bool,
) -> None:
    backup.take()
    joined(ledger, vault, aino, ville)
    if whole:
        erased(ledger, vault, aino)
    else:
        with begin(ledger, actor=Actor.person(aino), now=NOW) as uow:
            erase_dataset(uow, vault, aino, INCOME, Request.by_wish())
    backup.restore()
    assert all(viewed(ledger, vault, each, GROSS).facts for each in (aino, ville))
    assert replayed(ledger, vault).done == (
        Told.PEOPLE_MERGED,
        Told.PERSON_ERASED if whole else Told.DATASET_ERASED,
    )
    for each in (aino, ville):
        assert viewed(ledger, vault, each, GROSS).facts == ()
    assert bool(viewed(ledger, vault, aino, GLUCOSE).facts) is not whole
    assert viewed(ledger, vault, ville, GLUCOSE).facts == ()
    assert replayed(ledger, vault).done == ()


def test_who_was_joined_to_an_erased_person_is_erased_where_the_journal_knows_no_merge(
    ledger: Ledger,
    vault: Vault,
    backup: DatabaseBackup,
    aino: PersonId,
    ville: PersonId,
    journal: OutsideJournal,
) -> None:
    """Lines that were written by an earlier release."""
    backup.take()
    joined(ledger, vault, aino, ville)
    erased(ledger, vault, aino)
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(each for each in lines if b"people-merged" not in each))
    backup.restore()
    assert replayed(ledger, vault).done == (Told.PERSON_ERASED, Told.PERSON_ERASED)
    assert rows(ledger, ville) == {"vault_erasure": 1}


def test_two_records_that_had_become_one_become_one_again(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId, ville: PersonId
) -> None:
    given = Flow(ledger).given(person=ville)
    backup.take()
    joined(ledger, vault, aino, ville)
    backup.restore()
    let_go: list[PersonId] = []
    assert ledger.journal is not None
    found = replay(
        ledger, vault, ledger.journal, now=LATER, also=lambda _, each: let_go.append(each)
    )
    assert found.done == (Told.CONSENT_ENDED, Told.PEOPLE_MERGED)
    assert let_go == [ville]
    with ledger.read() as connection:
        ended = consent(connection, given.record.consent)
    assert ended is not None
    assert ended.status is Status.REVOKED
    assert viewed(ledger, vault, ville, GROSS).facts == ()
    assert viewed(ledger, vault, aino, GROSS).facts
    with ledger.read() as connection:
        assert find_person(connection, vault, scheme=IDENTITY_SCHEME, identifier=VILLE) == aino
        assert who_before(connection, aino) == [ville]
    report = check(ledger, [EFFECTS, CONSENT], now=LATER)
    assert [each for each in report.findings if each.gap is not Gap.EVENT_OVERDUE] == []
    assert replayed(ledger, vault).done == ()


def test_a_third_record_follows_both_merges(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId, ville: PersonId
) -> None:
    third = known_person(ledger, vault, "170269-938M")
    backup.take()
    joined(ledger, vault, ville, third)
    joined(ledger, vault, aino, ville)
    backup.restore()
    assert replayed(ledger, vault).done == (Told.PEOPLE_MERGED, Told.PEOPLE_MERGED)
    with ledger.read() as connection:
        assert who_now(connection, [ville, third]) == {ville: aino, third: aino}


@pytest.mark.parametrize("gone", ["first", "other"])
def test_a_merge_of_somebody_who_is_not_here_is_nothing_to_do(
    ledger: Ledger, vault: Vault, aino: PersonId, journal: OutsideJournal, gone: str
) -> None:
    nobody = PersonId(UUID(int=404))
    first, other = (nobody, aino) if gone == "first" else (aino, nobody)
    journal.append([people_merged(first, other, at=NOW)])
    assert replayed(ledger, vault).nothing_to_do == 1


def test_no_merge_is_made_while_the_journal_cannot_be_written(
    ledger: Ledger, vault: Vault, aino: PersonId, ville: PersonId, journal: OutsideJournal
) -> None:
    journal.path.mkdir()
    with pytest.raises(JournalError):
        joined(ledger, vault, aino, ville)
    assert viewed(ledger, vault, ville, GROSS).facts
