"""Erasing one data set: it opens nowhere, not from an older backup's rows, and stays away."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from audit.completeness import check
from audit.journal_line import dataset_erased
from audit.model import SYSTEM, Actor, Kind
from audit.outside_journal import JournalError, OutsideJournal
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from consent.decisions import Permit
from policies.deposit_document import Stated
from policies.erasure import WhyKept
from policies.ids import DatasetId, PersonId
from policies.vocabulary import Label
from tests.consent.flow import Flow
from tests.database_backup import DatabaseBackup
from tests.unguarded import unguard
from tests.vault.erasing import kept_by_law, rows, wrapped_keys
from tests.vault.given import (
    AINO,
    CITY,
    GLUCOSE,
    GROSS,
    INCOME,
    MUNICIPALITY,
    NOW,
    RESIDENCE,
    VILLE,
    deposited,
    document,
    fact,
    released,
    viewed,
)
from tests.wrapping import MemoryWrapper
from vault.batches import Outcome, deposit_all
from vault.deposits import deposit
from vault.documents import Refusal, RefusedDocumentError
from vault.effects import EFFECTS
from vault.envelope import SealError
from vault.erasure import Cause, Erasure, KeptError, Request, erase_dataset
from vault.people import IDENTITY_SCHEME, UnknownPersonError, enrol
from vault.replay import UnknownDatasetError, replay
from vault.store.tables import version
from vault.unwanted import allow_again, unwanted_of, unwanted_of_all
from vault.vault import Vault


@pytest.fixture
def ledger(engine: Engine, journal: OutsideJournal) -> Ledger:
    return Ledger(engine, MemoryWrapper(), journal=journal)


@pytest.fixture
def held(ledger: Ledger, vault: Vault, held: PersonId) -> PersonId:
    """Of one of her two data sets there are two versions."""
    deposited(ledger, vault, held, fact())
    return held


def erased(
    ledger: Ledger,
    vault: Vault,
    person: PersonId,
    dataset: DatasetId = INCOME,
    request: Request | None = None,
) -> Erasure:
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        return erase_dataset(uow, vault, person, dataset, request or Request.by_wish())


def test_the_data_set_is_gone_and_the_others_open(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    made = erased(ledger, vault, held)
    assert (made.whole, made.datasets, made.cause) == (False, (INCOME,), Cause.WISH)
    assert viewed(ledger, vault, held, GROSS).facts == ()
    [glucose] = viewed(ledger, vault, held, GLUCOSE).facts
    assert glucose.value == 64
    left = rows(ledger, held)
    assert left["vault_record"] == 1
    assert left["vault_record_version"] == 1
    assert left["vault_deposit"] == 1
    with ledger.read() as connection:
        [entry] = entries_about(connection, ledger, held, kinds=[Kind.DATA_ERASED])
    assert entry.many("attributes") == (GROSS,)


def test_no_row_of_it_opens_under_any_key_that_is_left(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    """Whoever kept old rows, and gets the keys of today, reads nothing: the old key is gone."""
    before = wrapped_keys(ledger, held)
    erased(ledger, vault, held)
    assert before.isdisjoint(wrapped_keys(ledger, held))
    assert len(wrapped_keys(ledger, held)) == 1


def test_a_second_erasure_at_the_same_moment_ends_the_key_of_the_first(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    """As a replay makes them, or two pages at once: no clock decides whether a key goes."""
    erased(ledger, vault, held)
    between = wrapped_keys(ledger, held)
    erased(ledger, vault, held, DatasetId("glucose"))
    assert between.isdisjoint(wrapped_keys(ledger, held))


def test_what_a_source_sends_of_it_is_refused_until_the_person_allows_it(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    erased(ledger, vault, held)
    with pytest.raises(RefusedDocumentError) as refused:
        deposited(ledger, vault, held, fact())
    assert refused.value.reason is Refusal.NOT_WANTED
    deposited(ledger, vault, held, fact(GLUCOSE, 65))
    with begin(ledger, actor=Actor.person(held), now=NOW) as uow:
        assert allow_again(uow, vault, held, INCOME)
    deposited(ledger, vault, held, fact())
    assert viewed(ledger, vault, held, GROSS).facts
    with ledger.read(held) as connection:
        assert unwanted_of(connection, held) == []


def test_the_very_document_that_was_erased_counts_as_new_when_it_is_allowed_again(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    given = document(fact(), digest=bytes(32))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        deposit(uow, vault, person, given)
    erased(ledger, vault, person)
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        allow_again(uow, vault, person, INCOME)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        deposit(uow, vault, person, given)
    assert viewed(ledger, vault, person, GROSS).facts


def test_what_nobody_has_refused_need_not_be_allowed(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    with begin(ledger, actor=Actor.person(held), now=NOW) as uow:
        assert not allow_again(uow, vault, held, INCOME)
    with ledger.read() as connection:
        assert not entries_about(connection, ledger, held, kinds=[Kind.DATA_WANTED_AGAIN])


def test_an_erasure_twice_is_refused_to_nobody(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    erased(ledger, vault, held)
    erased(ledger, vault, held)
    with ledger.read(EVERYONE) as connection:
        assert unwanted_of_all(connection, {held, PersonId(uuid4())}) == {held: [INCOME]}


def test_consents_stay_and_give_nothing_of_it(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    flow = Flow(ledger)
    given = flow.given(person=held)
    erased(ledger, vault, held)
    assert isinstance(flow.fetch(given.access), Permit)
    gone = released(ledger, vault, held, GROSS)
    assert (gone.facts, gone.not_held) == ((), (GROSS,))


def test_nobody_is_erased_who_is_not_there(ledger: Ledger, vault: Vault) -> None:
    with pytest.raises(UnknownPersonError):
        erased(ledger, vault, PersonId(uuid4()))


def test_what_a_law_has_us_keep_goes_by_an_order_only(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    vault.catalogue = kept_by_law(INCOME)
    with pytest.raises(KeptError) as refused:
        erased(ledger, vault, held)
    assert refused.value.why is WhyKept.BY_LAW
    assert viewed(ledger, vault, held, GROSS).facts
    erased(ledger, vault, held, request=Request.by_order("TSV/17/2026"))
    assert viewed(ledger, vault, held, GROSS).facts == ()


def test_the_mark_that_protects_her_stays_while_other_data_tells_where_she_is(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    secret = replace(fact(CITY, "Esimerkkilä"), labels=frozenset({Label.PROTECTED}))
    deposited(ledger, vault, person, secret)
    deposited(ledger, vault, person, fact(MUNICIPALITY, "091"))
    with pytest.raises(KeptError) as refused:
        erased(ledger, vault, person, RESIDENCE)
    assert refused.value.why is WhyKept.PROTECTS
    assert viewed(ledger, vault, person, CITY).facts
    erased(ledger, vault, person, DatasetId("person"))
    erased(ledger, vault, person, RESIDENCE)
    assert "vault_record" not in rows(ledger, person)


def test_nothing_is_erased_when_the_journal_cannot_be_written(
    ledger: Ledger, vault: Vault, held: PersonId, journal: OutsideJournal
) -> None:
    before, keys = rows(ledger, held), wrapped_keys(ledger, held)
    journal.path.mkdir()
    with pytest.raises(JournalError):
        erased(ledger, vault, held)
    assert rows(ledger, held) == before
    assert wrapped_keys(ledger, held) == keys
    assert viewed(ledger, vault, held, GROSS).facts


def test_a_record_that_does_not_open_stops_the_erasure_and_changes_nothing(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    with ledger.engine.begin() as connection:
        unguard(connection, "vault_record_version")
        connection.execute(version.update().values(sealed=b"\x01" + bytes(100)))
    before = rows(ledger, held)
    with pytest.raises(SealError):
        erased(ledger, vault, held)
    assert rows(ledger, held) == before


def test_the_log_is_complete_afterwards(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    erased(ledger, vault, held)
    assert check(ledger, [EFFECTS], now=NOW).findings == ()


def test_it_is_erased_again_after_an_older_backup_came_back(
    ledger: Ledger,
    vault: Vault,
    held: PersonId,
    journal: OutsideJournal,
    engine: Engine,
    tmp_path: Path,
) -> None:
    backup = DatabaseBackup(engine, tmp_path)
    backup.take()
    erased(ledger, vault, held)
    backup.restore()
    assert viewed(ledger, vault, held, GROSS).facts
    later = NOW + timedelta(hours=1)
    found = replay(ledger, vault, journal, now=later)
    assert (found.erased, found.ended) == (1, 0)
    assert viewed(ledger, vault, held, GROSS).facts == ()
    assert viewed(ledger, vault, held, GLUCOSE).facts
    with pytest.raises(RefusedDocumentError):
        deposited(ledger, vault, held, fact())
    assert replay(ledger, vault, journal, now=later).erased == 0


def test_two_data_sets_of_one_person_are_both_erased_again_and_no_key_of_the_copy_is_left(
    ledger: Ledger,
    vault: Vault,
    held: PersonId,
    journal: OutsideJournal,
    engine: Engine,
    tmp_path: Path,
) -> None:
    """One replay, at one moment: each of the two gives her a new key."""
    deposited(ledger, vault, held, fact(MUNICIPALITY, "091"))
    backup = DatabaseBackup(engine, tmp_path)
    backup.take()
    in_the_copy = wrapped_keys(ledger, held)
    for dataset in (INCOME, DatasetId("glucose")):
        erased(ledger, vault, held, dataset)
    backup.restore()
    assert wrapped_keys(ledger, held) == in_the_copy
    assert replay(ledger, vault, journal, now=NOW).erased == 2
    facts = viewed(ledger, vault, held, GROSS, GLUCOSE, MUNICIPALITY).facts
    assert [each.attribute for each in facts] == [MUNICIPALITY]
    assert len(wrapped_keys(ledger, held)) == 1
    assert in_the_copy.isdisjoint(wrapped_keys(ledger, held))
    assert replay(ledger, vault, journal, now=NOW).erased == 0


def test_what_came_after_it_was_allowed_again_is_not_erased_by_a_replay(
    ledger: Ledger, vault: Vault, held: PersonId, journal: OutsideJournal
) -> None:
    erased(ledger, vault, held)
    with begin(ledger, actor=Actor.person(held), now=NOW) as uow:
        allow_again(uow, vault, held, INCOME)
    deposited(ledger, vault, held, fact())
    assert replay(ledger, vault, journal, now=NOW).erased == 0
    assert viewed(ledger, vault, held, GROSS).facts


def test_a_data_set_that_the_catalogue_has_lost_stops_the_replay(
    ledger: Ledger, vault: Vault, held: PersonId, journal: OutsideJournal
) -> None:
    journal.append([dataset_erased(UUID(int=1), held, bytes(32), at=NOW)])
    with pytest.raises(UnknownDatasetError):
        replay(ledger, vault, journal, now=NOW)


def test_a_person_who_was_never_here_has_nothing_to_erase_again(
    ledger: Ledger, vault: Vault, journal: OutsideJournal
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=AINO)
    journal.append([dataset_erased(UUID(int=1), PersonId(uuid4()), bytes(32), at=NOW)])
    assert replay(ledger, vault, journal, now=NOW).nothing_to_do == 1


@pytest.mark.parametrize("enrols", [True, False])
def test_many_documents_at_once_bring_back_no_data_set_that_is_not_wanted(
    ledger: Ledger, vault: Vault, held: PersonId, enrols: bool
) -> None:
    erased(ledger, vault, held)
    stated = [
        Stated(IDENTITY_SCHEME, AINO, document(fact())),
        Stated(IDENTITY_SCHEME, AINO, document(fact(GLUCOSE, 66))),
        Stated(IDENTITY_SCHEME, VILLE, document(fact())),
    ]
    with begin(ledger, actor=SYSTEM, now=NOW, about=EVERYONE) as uow:
        outcomes = deposit_all(uow, vault, stated, enrols=enrols)
    other = Outcome.KEPT if enrols else Outcome.UNKNOWN_PERSON
    assert outcomes == [Outcome.NOT_WANTED, Outcome.KEPT, other]
    assert viewed(ledger, vault, held, GROSS).facts == ()
