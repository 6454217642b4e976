"""Two records of one person become one: nothing is lost, nothing is made up, and nobody is left."""

import contextlib
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from audit.check_report import Gap
from audit.completeness import check
from audit.model import SYSTEM, Actor, Entry, Kind
from audit.own_chain import own_chain
from audit.reader import entries_about
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from consent.decisions import Denial, decide_fetch, decide_self_access
from consent.effects import EFFECTS as CONSENT
from consent.model import Status
from consent.reading import consents_of
from policies.ids import DatasetId, OrganisationId, PersonId, SourceId
from policies.vocabulary import Label, LegalBasis
from tests.consent.flow import Flow
from tests.vault.given import (
    AINO,
    EARLIER,
    EMPLOYER,
    GROSS,
    KELA,
    NOW,
    POPULATION,
    TAX,
    VILLE,
    deposited,
    document,
    fact,
    permit,
    released,
    viewed,
)
from vault.deposits import deposit
from vault.disputes import dispute, disputes_of, settle
from vault.effects import EFFECTS
from vault.erasure import Request, erase_dataset, erase_person
from vault.merging import SamePersonError, merge_people
from vault.model import DisputeReason, Outcome
from vault.names import is_known, who_before, who_now
from vault.people import (
    IDENTITY_SCHEME,
    UnknownPersonError,
    correct_identifier,
    enrol,
    find_person,
    issue_pairwise_subject,
    person_by_pairwise,
)
from vault.release import release
from vault.sealed_check import differing_deposits
from vault.store import tables
from vault.unwanted import unwanted_of
from vault.vault import Vault
from vault.viewing import view_history

LATER = NOW + timedelta(hours=1)
BANK = OrganisationId("bank-example")


@pytest.fixture
def other(ledger: Ledger, vault: Vault) -> PersonId:
    """The same person once more, under another code."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)


def merge(
    ledger: Ledger, vault: Vault, first: PersonId, other: PersonId, *, now: datetime = LATER
) -> None:
    with begin(ledger, actor=SYSTEM, now=now, about=EVERYONE) as uow:
        merge_people(uow, vault, first=first, other=other)


def disputed(ledger: Ledger, vault: Vault, person: PersonId, source: SourceId = TAX) -> None:
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        reason = DisputeReason.WRONG
        dispute(uow, vault, person, attribute=GROSS, source=source, reason=reason, restrict=True)


def history(ledger: Ledger, vault: Vault, person: PersonId) -> list[tuple[object, int, bool]]:
    with begin(ledger, actor=Actor.person(person), now=LATER) as uow:
        got = view_history(uow, vault, decide_self_access(uow, person, [GROSS]))
    found = [(each.fact.value, each.version, each.counts) for each in got.statements]
    return sorted(found, key=lambda each: each[1])


def logged(ledger: Ledger, person: PersonId, kind: Kind) -> list[Entry]:
    with ledger.read() as connection:
        return entries_about(connection, ledger, person, kinds=[kind])


def rows_of(ledger: Ledger, person: PersonId) -> dict[str, int]:
    """How many rows each table of the vault has about the person, where it has any."""
    with ledger.read(EVERYONE) as connection:
        counted = {
            table.name: connection.execute(
                select(func.count()).select_from(table).where(table.c.person_id == person)
            ).scalar_one()
            for table in tables.metadata.sorted_tables
            if "person_id" in table.c
        }
    return {name: number for name, number in counted.items() if number}


def test_records_of_both_are_held_by_the_first(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    deposited(ledger, vault, person, fact())
    deposited(ledger, vault, other, fact(EMPLOYER, "Oy"))
    merge(ledger, vault, person, other)
    assert viewed(ledger, vault, person, GROSS, EMPLOYER).facts == (fact(), fact(EMPLOYER, "Oy"))
    assert rows_of(ledger, other) == {}


def test_versions_of_one_source_go_on_after_those_that_stand(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    newer = replace(fact(value=4), observed_at=EARLIER + timedelta(days=1))
    for who, stated in ((person, fact(value=1)), (person, fact(value=2)), (other, newer)):
        deposited(ledger, vault, who, stated)
    deposited(ledger, vault, other, fact(value=3))
    merge(ledger, vault, person, other)
    assert history(ledger, vault, person) == [
        (1, 1, False),
        (2, 2, False),
        (4, 3, True),
        (3, 4, False),
    ]
    deposited(ledger, vault, person, replace(fact(value=5), observed_at=NOW))
    assert history(ledger, vault, person)[-1] == (5, 5, True)


def test_what_counts_stays_where_the_other_is_older(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    older = replace(
        fact(value=3),
        observed_at=EARLIER - timedelta(days=1),
        labels=frozenset({Label.PROTECTED}),
    )
    deposited(ledger, vault, person, fact(value=1))
    deposited(ledger, vault, other, older)
    merge(ledger, vault, person, other)
    assert history(ledger, vault, person) == [(1, 1, True), (3, 2, False)]
    assert released(ledger, vault, person, GROSS, basis=LegalBasis.CONSENT).withheld == ()


def test_the_mark_of_protection_comes_with_what_counts(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    deposited(ledger, vault, person, fact(value=1))
    marked = replace(fact(value=2), observed_at=NOW, labels=frozenset({Label.PROTECTED}))
    deposited(ledger, vault, other, marked)
    merge(ledger, vault, person, other)
    assert released(ledger, vault, person, GROSS, basis=LegalBasis.CONSENT).withheld == (GROSS,)


def test_both_codes_lead_to_the_first_and_the_history_is_kept(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        correct_identifier(uow, vault, other, scheme=IDENTITY_SCHEME, identifier="170269-938M")
    merge(ledger, vault, person, other)
    with ledger.read() as connection:
        for code, leads_to in ((AINO, person), ("170269-938M", person), (VILLE, None)):
            found = find_person(connection, vault, scheme=IDENTITY_SCHEME, identifier=code)
            assert found == leads_to
    assert rows_of(ledger, person)["vault_identifier"] == 3


def test_a_pseudonym_of_the_other_finds_the_first_and_a_new_one_is_her_own(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        old = issue_pairwise_subject(uow, vault, other, KELA)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        own = issue_pairwise_subject(uow, vault, person, KELA)
    merge(ledger, vault, person, other)
    with ledger.read() as connection:
        for subject in (old, own):
            assert person_by_pairwise(connection, vault, sector=KELA, subject=subject) == person
        assert person_by_pairwise(connection, vault, sector=BANK, subject=old) is None
    with begin(ledger, actor=SYSTEM, now=LATER) as uow:
        assert issue_pairwise_subject(uow, vault, person, KELA) == own


def test_both_logs_tell_of_it_and_both_chains_hold(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    deposited(ledger, vault, other, fact())
    merge(ledger, vault, person, other)
    (gone,) = logged(ledger, other, Kind.PERSON_MERGED)
    (stays,) = logged(ledger, person, Kind.PERSON_MERGED)
    assert (gone.get("reason"), gone.get("reference")) == ("merged-away", str(person))
    assert (stays.get("reason"), stays.get("reference")) == (None, str(other))
    with ledger.read() as connection:
        for who in (person, other):
            assert own_chain(connection, ledger, who, now=LATER).gaps == ()
    gaps = {each.gap for each in check(ledger, [EFFECTS, CONSENT], now=LATER).findings}
    assert gaps <= {Gap.EVENT_OVERDUE}, "nothing places events here"


def test_what_is_sealed_anew_is_what_the_log_tells(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    deposited(ledger, vault, person, fact(value=1))
    deposited(ledger, vault, other, fact(value=2), fact(EMPLOYER, "Oy"))
    merge(ledger, vault, person, other)
    with ledger.read(person) as connection:
        assert differing_deposits(connection, ledger, person) == []


def test_nothing_of_nothing_is_moved(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    with ledger.read() as connection:
        assert is_known(connection, other)
    merge(ledger, vault, person, other)
    assert logged(ledger, person, Kind.DATA_RESEALED) == []
    with ledger.read() as connection:
        assert (is_known(connection, person), is_known(connection, other)) == (True, False)
        assert who_now(connection, [person, other]) == {person: person, other: person}
        assert (who_before(connection, person), who_before(connection, other)) == ([other], [])


def test_who_was_joined_before_goes_along(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        third = enrol(uow, vault, scheme="test", identifier="third")
        old = issue_pairwise_subject(uow, vault, third, KELA)
    merge(ledger, vault, other, third)
    merge(ledger, vault, person, other, now=LATER + timedelta(hours=1))
    with ledger.read() as connection:
        assert who_now(connection, [third]) == {third: person}
        assert who_before(connection, person) == [other, third]
        assert person_by_pairwise(connection, vault, sector=KELA, subject=old) == person


def test_consents_of_the_other_end_and_those_of_the_first_stay(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    flow = Flow(ledger)
    theirs, waiting, hers = flow.given(person=other), flow.open(other), flow.given(person=person)
    merge(ledger, vault, person, other)
    with ledger.read() as connection:
        ended = {each.id: each.status for each in consents_of(connection, other)}
        assert ended == {theirs.record.consent: Status.REVOKED, waiting.id: Status.LAPSED}
        assert [each.status for each in consents_of(connection, person)] == [Status.ACTIVE]
    with begin(ledger, actor=Actor.client(theirs.client.id), now=LATER) as uow:
        assert isinstance(decide_fetch(uow, theirs.access, (GROSS,)), Denial)
    assert hers.person == person


def test_disputes_come_along_with_their_marks(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    deposited(ledger, vault, person, fact(value=1))
    deposited(ledger, vault, other, fact(value=2))
    disputed(ledger, vault, other)
    merge(ledger, vault, person, other)
    with ledger.read(person) as connection:
        (found,) = disputes_of(connection, person)
    assert (found.version, found.outcome) == (2, None)
    (given,) = released(ledger, vault, person, GROSS).facts
    assert given.labels == {Label.DISPUTED, Label.RESTRICTED}


def test_where_both_have_disputed_the_same_one_dispute_stands(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    for who in (person, other):
        deposited(ledger, vault, who, fact())
        disputed(ledger, vault, who)
    deposited(ledger, vault, other, fact(GROSS, 1, POPULATION))
    disputed(ledger, vault, other, POPULATION)
    merge(ledger, vault, person, other)
    with ledger.read(person) as connection:
        assert {each.source for each in disputes_of(connection, person)} == {TAX, POPULATION}


def test_what_the_first_wants_no_copy_of_does_not_come(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    income = DatasetId("income")
    deposited(ledger, vault, person, fact())
    with begin(ledger, actor=Actor.person(person), now=NOW) as uow:
        erase_dataset(uow, vault, person, income, Request.by_wish())
    deposited(ledger, vault, other, fact())
    disputed(ledger, vault, other)
    merge(ledger, vault, person, other)
    assert viewed(ledger, vault, person, GROSS).not_held == (GROSS,)
    assert "vault_deposit" not in rows_of(ledger, person)


@pytest.mark.parametrize("holds", [True, False])
def test_what_the_other_wants_no_copy_of_is_refused_unless_the_first_holds_it(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId, holds: bool
) -> None:
    income = DatasetId("income")
    deposited(ledger, vault, other, fact())
    with begin(ledger, actor=Actor.person(other), now=NOW) as uow:
        erase_dataset(uow, vault, other, income, Request.by_wish())
    if holds:
        deposited(ledger, vault, person, fact())
    merge(ledger, vault, person, other)
    with ledger.read(person) as connection:
        assert unwanted_of(connection, person) == ([] if holds else [income])


def test_an_erasure_afterwards_leaves_nothing_of_either(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        issue_pairwise_subject(uow, vault, other, KELA)
    deposited(ledger, vault, other, fact())
    merge(ledger, vault, person, other)
    with begin(ledger, actor=SYSTEM, now=LATER, about=person) as uow:
        erase_person(uow, vault, person, Request.by_order("A-1"))
    assert set(rows_of(ledger, person)) == {"vault_erasure"}
    assert rows_of(ledger, other) == {}


def test_data_about_both_is_about_one_from_now_on(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    shared = replace(fact(), also_about=frozenset({other}))
    deposited(ledger, vault, person, shared)
    assert released(ledger, vault, person, GROSS, basis=LegalBasis.CONSENT).withheld == (GROSS,)
    merge(ledger, vault, person, other)
    assert len(released(ledger, vault, person, GROSS, basis=LegalBasis.CONSENT).facts) == 1


def test_who_was_joined_is_asked_under_the_new_id_about_shared_data(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        spouse = enrol(uow, vault, scheme="test", identifier="spouse")
    deposited(ledger, vault, spouse, replace(fact(), also_about=frozenset({other})))
    merge(ledger, vault, person, other)
    with begin(ledger, actor=SYSTEM, now=LATER) as uow:
        release(uow, vault, permit(uow, spouse, [GROSS]))
    assert len(logged(ledger, person, Kind.DATA_RELEASED)) == 1
    assert logged(ledger, other, Kind.DATA_RELEASED) == []


def test_a_deposit_after_it_finds_nobody_under_the_old_id(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    merge(ledger, vault, person, other)
    with pytest.raises(UnknownPersonError):
        deposited(ledger, vault, other, fact())


def test_a_failure_in_it_changes_nothing(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    deposited(ledger, vault, other, fact())
    before = rows_of(ledger, other), rows_of(ledger, person)

    def fail() -> None:
        with begin(ledger, actor=SYSTEM, now=LATER, about=EVERYONE) as uow:
            merge_people(uow, vault, first=person, other=other)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (rows_of(ledger, other), rows_of(ledger, person)) == before
    assert viewed(ledger, vault, other, GROSS).facts == (fact(),)


def test_nobody_is_joined_to_herself_or_to_nobody(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    nobody = PersonId(UUID(int=404))
    with pytest.raises(SamePersonError):
        merge(ledger, vault, person, person)
    for first, other in ((person, nobody), (nobody, person)):
        with pytest.raises(UnknownPersonError):
            merge(ledger, vault, first, other)
    assert logged(ledger, person, Kind.PERSON_MERGED) == []


def test_a_settled_dispute_of_the_other_stays_in_the_history(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        deposit(uow, vault, other, document(fact()))
    disputed(ledger, vault, other)
    with begin(ledger, actor=Actor.person(other), now=NOW) as uow:
        (opened,) = disputes_of(uow.connection, other)
        settle(uow, vault, other, opened.id, Outcome.TAKEN_BACK)
    merge(ledger, vault, person, other)
    with ledger.read(person) as connection:
        assert [each.outcome for each in disputes_of(connection, person)] == [Outcome.TAKEN_BACK]


def test_deposits_at_the_same_moment_are_moved_or_refused(
    ledger: Ledger, vault: Vault, person: PersonId, other: PersonId
) -> None:
    start, kept = threading.Barrier(5), list[int]()

    def hand_in(value: int) -> None:
        start.wait()
        with contextlib.suppress(UnknownPersonError):
            deposited(ledger, vault, other, fact(value=value))
            kept.append(value)

    def join() -> None:
        start.wait()
        merge(ledger, vault, person, other)

    threads = [threading.Thread(target=hand_in, args=(value,)) for value in range(4)]
    threads.append(threading.Thread(target=join))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(value) for value, _, _ in history(ledger, vault, person)) == sorted(
        str(value) for value in kept
    )
    assert rows_of(ledger, other) == {}
