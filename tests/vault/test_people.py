"""People: one person for one identifier, also under races; pseudonyms that do not connect."""

import threading
import time
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError

from audit.model import SYSTEM, Event, Kind
from audit.reader import entries_about
from audit.unit_of_work import Ledger, UnaccountedChangeError, begin
from policies.identity_code import InvalidIdentityCodeError
from policies.ids import OrganisationId, PersonId
from tests.vault.given import AINO, BANK, KELA, NOW, VILLE, new_vault
from vault.people import (
    IDENTITY_SCHEME,
    IdentifierTakenError,
    InvalidIdentifierError,
    UnknownPersonError,
    correct_identifier,
    enrol,
    find_person,
    issue_pairwise_subject,
    pairwise_subject,
    person_by_pairwise,
)
from vault.store import people as store
from vault.store.tables import identifier, person_key
from vault.store.tables import person as person_table
from vault.vault import Vault

NOBODY = PersonId(UUID(int=404))
EIDAS = "urn:eidas:person"


def enrolled(ledger: Ledger, vault: Vault, code: str, scheme: str = IDENTITY_SCHEME) -> PersonId:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        return enrol(uow, vault, scheme=scheme, identifier=code)


def found(ledger: Ledger, vault: Vault, code: str, scheme: str = IDENTITY_SCHEME) -> object:
    with ledger.read() as connection:
        return find_person(connection, vault, scheme=scheme, identifier=code)


def test_an_enrolled_person_is_found_by_the_identity_code(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    assert found(ledger, vault, AINO) == person
    assert found(ledger, vault, AINO.lower()) == person


def test_enrolment_is_an_event_about_the_person(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with ledger.read() as connection:
        (entry,) = entries_about(connection, ledger, person)
        row = connection.execute(select(person_table)).one()
    assert entry.kind is Kind.PERSON_CREATED
    assert row.audit_event_id == entry.event_id


def test_enrolling_again_gives_the_same_person_and_no_event(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    assert enrolled(ledger, vault, AINO) == person
    with ledger.read() as connection:
        assert len(entries_about(connection, ledger, person)) == 1


def test_other_codes_and_other_schemes_are_other_people(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    others = {enrolled(ledger, vault, VILLE), enrolled(ledger, vault, AINO, EIDAS)}
    assert len(others | {person}) == 3


def test_one_spelling_of_letters_leads_to_one_person(ledger: Ledger, vault: Vault) -> None:
    composed, decomposed = "FI/Ä-1", "FI/A\u0308-1"
    assert enrolled(ledger, vault, composed, EIDAS) == enrolled(ledger, vault, decomposed, EIDAS)


def test_somebody_unknown_is_not_found(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    assert found(ledger, vault, VILLE) is None


def test_another_index_key_finds_nobody(ledger: Ledger, person: PersonId) -> None:
    assert found(ledger, new_vault(), AINO) is None


@pytest.mark.parametrize("code", ["", "010199-9013", "010199-901", AINO + " ", "990199-9014"])
def test_a_wrong_identity_code_is_refused_without_showing_it(
    ledger: Ledger, vault: Vault, code: str
) -> None:
    with pytest.raises(InvalidIdentityCodeError) as caught:
        enrolled(ledger, vault, code)
    assert not code or code not in repr(caught.value)


@pytest.mark.parametrize("value", ["", " x", "x ", "a\nb", "x" * 257])
def test_an_identifier_that_cannot_be_one_is_refused_without_showing_it(
    ledger: Ledger, vault: Vault, value: str
) -> None:
    with pytest.raises(InvalidIdentifierError) as caught:
        enrolled(ledger, vault, value, EIDAS)
    assert caught.value.args == ()


@pytest.mark.parametrize("scheme", ["", "s" * 65])
def test_a_scheme_that_does_not_fit_is_refused(ledger: Ledger, vault: Vault, scheme: str) -> None:
    with pytest.raises(InvalidIdentifierError):
        enrolled(ledger, vault, "x", scheme)


def test_a_failed_enrolment_leaves_nobody(ledger: Ledger, vault: Vault) -> None:
    with suppress(RuntimeError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        raise RuntimeError
    assert found(ledger, vault, AINO) is None


def test_two_enrolments_at_once_give_one_person(ledger: Ledger, vault: Vault) -> None:
    start, got = threading.Barrier(4), list[PersonId]()

    def run() -> None:
        start.wait()
        got.append(enrolled(ledger, vault, AINO))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert len(set(got)) == 1
    with ledger.read() as connection:
        for table in (person_table, person_key, identifier):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 1


def test_an_enrolment_that_waited_for_another_takes_its_person(
    ledger: Ledger, vault: Vault
) -> None:
    got = list[PersonId]()
    late = threading.Thread(target=lambda: got.append(enrolled(ledger, vault, AINO)))
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        first = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        late.start()
        wait_until_blocked(ledger.engine)
    late.join()
    assert got == [first]


def test_an_enrolment_that_waited_for_a_failed_one_makes_the_person(
    ledger: Ledger, vault: Vault
) -> None:
    got = list[PersonId]()
    late = threading.Thread(target=lambda: got.append(enrolled(ledger, vault, AINO)))
    first = None
    with suppress(RuntimeError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        first = enrol(uow, vault, scheme=IDENTITY_SCHEME, identifier=AINO)
        late.start()
        wait_until_blocked(ledger.engine)
        raise RuntimeError
    late.join()
    assert got != [first]
    assert got == [found(ledger, vault, AINO)]


def wait_until_blocked(engine: Engine) -> None:
    """Wait until the other thread waits for our claim; on SQLite it does so at its beginning."""
    if engine.dialect.name == "sqlite":
        time.sleep(0.05)
        return
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND query LIKE '%INTO vault_identifier%'"
    )
    with engine.connect() as connection:
        for _ in range(500):
            connection.rollback()
            if connection.execute(blocked).scalar_one():
                return
            time.sleep(0.01)
    raise AssertionError("the other enrolment did not wait")


def test_a_corrected_code_leads_to_the_same_person(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    later = NOW + timedelta(days=1)
    with begin(ledger, actor=SYSTEM, now=later) as uow:
        correct_identifier(uow, vault, person, scheme=IDENTITY_SCHEME, identifier=VILLE)
    assert found(ledger, vault, VILLE) == person
    assert found(ledger, vault, AINO) is None
    with ledger.read() as connection:
        periods = connection.execute(
            select(identifier.c.valid_from, identifier.c.valid_to).order_by(identifier.c.valid_from)
        ).all()
        entry = entries_about(connection, ledger, person)[0]
    assert [tuple(period) for period in periods] == [(NOW, later), (later, None)]
    assert entry.kind is Kind.IDENTIFIER_CORRECTED


def test_a_code_that_leads_to_the_person_already_goes_on_doing_so(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    later = NOW + timedelta(days=1)
    with begin(ledger, actor=SYSTEM, now=later) as uow:
        correct_identifier(uow, vault, person, scheme=IDENTITY_SCHEME, identifier=AINO)
    assert found(ledger, vault, AINO) == person
    with ledger.read() as connection:
        row = connection.execute(select(identifier.c.valid_from, identifier.c.valid_to)).one()
    assert tuple(row) == (NOW, None)


def test_a_correction_is_corrected_back(ledger: Ledger, vault: Vault, person: PersonId) -> None:
    for days, code in enumerate((VILLE, AINO), 1):
        with begin(ledger, actor=SYSTEM, now=NOW + timedelta(days=days)) as uow:
            correct_identifier(uow, vault, person, scheme=IDENTITY_SCHEME, identifier=code)
    assert found(ledger, vault, AINO) == person
    assert found(ledger, vault, VILLE) is None


def test_a_correction_leaves_other_schemes_alone(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        correct_identifier(uow, vault, person, scheme=EIDAS, identifier="FI/1")
    assert found(ledger, vault, AINO) == person
    assert found(ledger, vault, "FI/1", EIDAS) == person


def test_a_code_that_leads_to_somebody_else_is_not_taken_over(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    other = enrolled(ledger, vault, VILLE)
    with pytest.raises(IdentifierTakenError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        correct_identifier(uow, vault, person, scheme=IDENTITY_SCHEME, identifier=VILLE)
    assert found(ledger, vault, AINO) == person
    assert found(ledger, vault, VILLE) == other


def test_nobodys_code_is_not_corrected(ledger: Ledger, vault: Vault) -> None:
    with pytest.raises(UnknownPersonError) as caught, begin(ledger, actor=SYSTEM, now=NOW) as uow:
        correct_identifier(uow, vault, NOBODY, scheme=IDENTITY_SCHEME, identifier=AINO)
    assert caught.value.person == NOBODY


def test_a_second_open_row_for_one_identifier_is_refused_by_the_database(
    ledger: Ledger, person: PersonId
) -> None:
    with ledger.engine.begin() as connection:
        row = connection.execute(select(identifier)).one()._asdict()
        with pytest.raises(IntegrityError):
            connection.execute(identifier.insert().values(row | {"person_id": NOBODY}))


def subject(ledger: Ledger, vault: Vault, person: PersonId, sector: OrganisationId) -> str:
    with ledger.read() as connection:
        return pairwise_subject(connection, vault, person, sector)


def test_a_pseudonym_is_the_same_each_time_and_another_for_each_sector(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    first = subject(ledger, vault, person, KELA)
    assert len(first) == 22
    assert subject(ledger, vault, person, KELA) == first
    assert subject(ledger, vault, person, BANK) != first


def test_two_people_have_different_pseudonyms(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    other = enrolled(ledger, vault, VILLE)
    assert subject(ledger, vault, person, KELA) != subject(ledger, vault, other, KELA)


def test_an_issued_pseudonym_leads_back_and_is_an_event_once(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        issued = issue_pairwise_subject(uow, vault, person, KELA)
        assert issue_pairwise_subject(uow, vault, person, KELA) == issued
    assert issued == subject(ledger, vault, person, KELA)
    with ledger.read() as connection:
        assert person_by_pairwise(connection, vault, sector=KELA, subject=issued) == person
        events = entries_about(connection, ledger, person, kinds=[Kind.SUBJECT_ISSUED])
    assert [event.get("organisation") for event in events] == [KELA]


def test_a_pseudonym_issued_many_times_at_once_is_one(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    start, got = threading.Barrier(4), list[str]()

    def run() -> None:
        start.wait()
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            got.append(issue_pairwise_subject(uow, vault, person, KELA))
            uow.record(Event(kind=Kind.TOKEN_ISSUED, subject=person))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4
    assert len(set(got)) == 1
    with ledger.read() as connection:
        events = entries_about(connection, ledger, person, kinds=[Kind.SUBJECT_ISSUED])
    assert len(events) == 1


def test_a_pseudonym_leads_nowhere_in_another_sector(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        issued = issue_pairwise_subject(uow, vault, person, KELA)
    with ledger.read() as connection:
        assert person_by_pairwise(connection, vault, sector=BANK, subject=issued) is None


def test_a_pseudonym_that_was_not_issued_leads_nowhere(
    ledger: Ledger, vault: Vault, person: PersonId
) -> None:
    told = subject(ledger, vault, person, KELA)
    with ledger.read() as connection:
        assert person_by_pairwise(connection, vault, sector=KELA, subject=told) is None


def test_nobody_has_no_pseudonym(ledger: Ledger, vault: Vault) -> None:
    with pytest.raises(UnknownPersonError):
        subject(ledger, vault, NOBODY, KELA)
    with pytest.raises(UnknownPersonError), begin(ledger, actor=SYSTEM, now=NOW) as uow:
        issue_pairwise_subject(uow, vault, NOBODY, KELA)


def test_a_claim_without_an_event_is_not_committed(ledger: Ledger) -> None:
    with (
        pytest.raises(UnaccountedChangeError),
        begin(ledger, actor=SYSTEM, now=NOW) as uow,
    ):
        store.claim_identifier(uow.connection, NOBODY, scheme=EIDAS, digest=bytes(32), now=NOW)
