"""Erasure: nothing opens afterwards, by no key, not from another table, not by a token."""

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Uuid

from audit.check_report import Gap
from audit.completeness import check
from audit.model import SYSTEM, Kind
from audit.outside_journal import JournalError, OutsideJournal
from audit.reader import entries_about
from audit.unit_of_work import Ledger, begin
from consent.decisions import Denial, DenialReason
from consent.effects import EFFECTS as CONSENT
from consent.lifecycle import IllegalTransitionError
from consent.model import Status
from consent.reading import consent
from policies.erasure import WhyKept
from policies.ids import OrganisationId, PersonId
from tests.consent.flow import Flow
from tests.unguarded import unguard
from tests.vault.erasing import erased, kept_by_law, rows
from tests.vault.given import (
    AINO,
    GROSS,
    INCOME,
    NOW,
    VILLE,
    deposited,
    fact,
    released,
    viewed,
)
from vault.effects import EFFECTS
from vault.erasure import Cause, KeptError, Request, may_erase
from vault.holdings import describe
from vault.people import (
    IDENTITY_SCHEME,
    UnknownPersonError,
    enrol,
    find_person,
    issue_pairwise_subject,
    pairwise_subject,
    person_by_pairwise,
)
from vault.store.erasures import STAY
from vault.store.tables import metadata
from vault.vault import Vault

KELA = OrganisationId("kela")


@pytest.fixture
def held(ledger: Ledger, vault: Vault, held: PersonId) -> PersonId:
    """A person about whom something stands in every table."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        issue_pairwise_subject(uow, vault, held, KELA)
    return held


@pytest.fixture
def neighbour(ledger: Ledger, vault: Vault) -> PersonId:
    """Somebody else, who stays."""
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        other = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=VILLE)
    deposited(ledger, vault, other, fact())
    return other


def kinds(ledger: Ledger, person: PersonId) -> list[Kind | None]:
    with ledger.read() as connection:
        return [each.kind for each in entries_about(connection, ledger, person)]


def test_nothing_is_left_but_that_it_was_done(
    ledger: Ledger, vault: Vault, held: PersonId, neighbour: PersonId
) -> None:
    before = rows(ledger, neighbour)
    made = erased(ledger, vault, held)
    assert rows(ledger, held) == {"vault_erasure": 1}
    assert rows(ledger, neighbour) == before
    assert (made.whole, made.cause, made.at) == (True, Cause.WISH, NOW)
    assert made.datasets == ("glucose", "income")
    assert kinds(ledger, held)[0] is Kind.PERSON_ERASED


def test_a_released_record_opens_no_more(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    assert released(ledger, vault, held, GROSS).facts
    erased(ledger, vault, held)
    gone = released(ledger, vault, held, GROSS)
    assert (gone.facts, gone.not_held) == ((), (GROSS,))
    assert viewed(ledger, vault, held, GROSS).facts == ()
    with ledger.read() as connection:
        assert describe(connection, held) == []


def test_nothing_leads_to_the_person_any_more(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    with ledger.read() as connection:
        subject = pairwise_subject(connection, vault, held, KELA)
    erased(ledger, vault, held)
    with ledger.read() as connection:
        assert find_person(connection, vault, scheme=IDENTITY_SCHEME, identifier=AINO) is None
        assert person_by_pairwise(connection, vault, sector=KELA, subject=subject) is None
        with pytest.raises(UnknownPersonError):
            pairwise_subject(connection, vault, held, KELA)


def test_who_comes_again_is_a_new_person_with_another_pseudonym(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    with ledger.read() as connection:
        subject = pairwise_subject(connection, vault, held, KELA)
    erased(ledger, vault, held)
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        again = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        assert pairwise_subject(uow.connection, vault, again, KELA) != subject
    assert again != held
    assert viewed(ledger, vault, again, GROSS).facts == ()


def test_a_source_cannot_bring_the_person_back(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    erased(ledger, vault, held)
    with pytest.raises(UnknownPersonError):
        deposited(ledger, vault, held, fact())
    assert rows(ledger, held) == {"vault_erasure": 1}


@pytest.mark.parametrize("times", [1, 2])
def test_nobody_is_erased_who_is_not_there(ledger: Ledger, vault: Vault, times: int) -> None:
    stranger = PersonId(uuid4())
    for _ in range(times):
        with pytest.raises(UnknownPersonError):
            erased(ledger, vault, stranger)
    assert rows(ledger, stranger) == {}
    assert kinds(ledger, stranger) == []


def test_a_second_erasure_finds_nobody(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    erased(ledger, vault, held)
    with pytest.raises(UnknownPersonError):
        erased(ledger, vault, held)
    assert rows(ledger, held) == {"vault_erasure": 1}


def test_consents_and_tokens_end_with_the_data(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    flow = Flow(ledger)
    given = flow.given(person=held)
    waiting = flow.open(held)
    other = flow.given()
    made = erased(ledger, vault, held)
    assert made.ended == (given.record.consent,)
    denied = flow.fetch(given.access)
    assert isinstance(denied, Denial)
    assert denied.reason is DenialReason.WITHDRAWN
    assert not isinstance(flow.fetch(other.access), Denial)
    with ledger.read() as connection:
        ended, lapsed = consent(connection, given.record.consent), consent(connection, waiting.id)
    assert ended is not None
    assert ended.status is Status.WITHDRAWN
    assert lapsed is not None
    assert lapsed.status is Status.LAPSED
    with pytest.raises(IllegalTransitionError):
        flow.give(waiting.id, held)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (Request.by_order("TSV/17/2026"), Status.REVOKED),
        (Request.again(uuid4()), Status.REVOKED),
    ],
)
def test_a_consent_that_somebody_else_ends_is_not_called_withdrawn(
    ledger: Ledger, vault: Vault, held: PersonId, request_: Request, status: Status
) -> None:
    given = Flow(ledger).given(person=held)
    erased(ledger, vault, held, request_)
    with ledger.read() as connection:
        ended = consent(connection, given.record.consent)
    assert ended is not None
    assert ended.status is status


def test_the_order_stands_in_the_persons_log(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    made = erased(ledger, vault, held, Request.by_order("TSV/17/2026"))
    with ledger.read() as connection:
        [entry] = entries_about(connection, ledger, held, kinds=[Kind.PERSON_ERASED])
    assert entry.get("case") == "TSV/17/2026"
    assert entry.get("reason") == "by-order"
    assert entry.get("reference") == str(made.id)


def test_the_persons_own_log_stays_readable(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    before = kinds(ledger, held)
    erased(ledger, vault, held)
    assert kinds(ledger, held) == [Kind.PERSON_ERASED, *before]


def test_the_log_is_complete_after_an_erasure(ledger: Ledger, vault: Vault, held: PersonId) -> None:
    Flow(ledger).given(person=held, details_uses=3)
    erased(ledger, vault, held)
    report = check(ledger, [EFFECTS, CONSENT], now=NOW)
    assert [each for each in report.findings if each.gap is not Gap.EVENT_OVERDUE] == []


def test_an_erasure_whose_note_was_taken_away_is_found(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    erased(ledger, vault, held)
    with ledger.engine.begin() as connection:
        unguard(connection, "vault_erasure")
        connection.exec_driver_sql("DELETE FROM vault_erasure")
    found = {each.gap for each in check(ledger, [EFFECTS], now=NOW).findings}
    assert Gap.EVENT_WITHOUT_EFFECT in found


def test_nothing_is_erased_when_the_journal_cannot_be_written(
    ledger: Ledger, vault: Vault, held: PersonId, tmp_path: Path
) -> None:
    given = Flow(ledger).given(person=held)
    before = rows(ledger, held)
    ledger.journal = OutsideJournal(tmp_path / "nowhere" / "journal", bytes(32))
    with pytest.raises(JournalError):
        erased(ledger, vault, held)
    assert rows(ledger, held) == before
    assert Kind.PERSON_ERASED not in kinds(ledger, held)
    assert viewed(ledger, vault, held, GROSS).facts
    with ledger.read() as connection:
        standing = consent(connection, given.record.consent)
    assert standing is not None
    assert standing.status is Status.ACTIVE


def test_every_table_about_people_is_reached() -> None:
    """A column with somebody's id under another name would be forgotten."""
    for table in metadata.sorted_tables:
        others = {
            column.name
            for column in table.columns
            if isinstance(column.type, Uuid) and "person" in column.name
        }
        assert others <= {"person_id"}, table.name
    assert {table.name for table in STAY} == {"vault_erasure"}


def test_what_a_law_has_us_keep_is_not_erased_at_a_wish(
    ledger: Ledger, vault: Vault, held: PersonId
) -> None:
    vault.catalogue = kept_by_law(INCOME)
    with ledger.read() as connection:
        choices = may_erase(connection, vault, held)
    assert choices == {"glucose": None, "income": WhyKept.BY_LAW}
    with pytest.raises(KeptError) as refused:
        erased(ledger, vault, held)
    assert refused.value.why is WhyKept.BY_LAW
    assert viewed(ledger, vault, held, GROSS).facts
    erased(ledger, vault, held, Request.by_order("TSV/17/2026"))
    assert rows(ledger, held) == {"vault_erasure": 1}
