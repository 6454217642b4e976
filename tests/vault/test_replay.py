"""A backup from before comes back; after the replay it knows again what it must not forget."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from audit.check_report import Gap
from audit.completeness import check
from audit.erasure import forget
from audit.journal_line import consent_over, person_erased
from audit.model import SYSTEM, Kind
from audit.outside_journal import Damage, JournalError, OutsideJournal
from audit.reader import entries_about, search
from audit.replaying import Replayed
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.choices import expire_due
from consent.decisions import Denial, DenialReason
from consent.effects import EFFECTS as CONSENT
from consent.model import Status
from consent.reading import consent
from policies.ids import ConsentId, PersonId
from tests.consent.flow import Flow
from tests.database_backup import DatabaseBackup
from tests.vault.erasing import erased, rows
from tests.vault.given import (
    AINO,
    GLUCOSE,
    GROSS,
    NOW,
    VILLE,
    released,
    viewed,
)
from tests.vault.replaying import LATER, known_person, replayed
from tests.wrapping import MemoryWrapper
from vault.effects import EFFECTS
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


def counted(found: Replayed) -> tuple[int, int, int]:
    return found.erased, found.ended, found.nothing_to_do


def status(ledger: Ledger, consent_id: ConsentId) -> Status | None:
    with ledger.read() as connection:
        found = consent(connection, consent_id)
    return None if found is None else found.status


def kinds(ledger: Ledger) -> list[Kind | None]:
    with ledger.read() as connection:
        return [each.kind for each in search(connection, ledger, limit=200)]


def test_nothing_of_an_erased_person_opens_after_an_older_backup_came_back(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId, ville: PersonId
) -> None:
    given = Flow(ledger).given(person=aino)
    backup.take()
    erased(ledger, vault, aino)
    backup.restore()
    # The backup has brought everything back: that is what the replay is for.
    assert released(ledger, vault, aino, GROSS).facts
    found = replayed(ledger, vault)
    assert counted(found) == (1, 1, 0)
    assert released(ledger, vault, aino, GROSS, GLUCOSE).facts == ()
    assert viewed(ledger, vault, aino, GROSS, GLUCOSE).facts == ()
    assert released(ledger, vault, ville, GROSS).facts
    assert status(ledger, given.record.consent) in {Status.WITHDRAWN, Status.REVOKED}
    with ledger.read() as connection:
        assert find_person(connection, vault, scheme=IDENTITY_SCHEME, identifier=AINO) is None
        assert find_person(connection, vault, scheme=IDENTITY_SCHEME, identifier=VILLE) == ville
    assert rows(ledger, aino) == {"vault_erasure": 1}
    assert {Kind.PERSON_ERASED, Kind.JOURNAL_REPLAYED} <= set(kinds(ledger))


def test_who_was_forgotten_in_the_log_is_forgotten_again(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId, ville: PersonId
) -> None:
    backup.take()
    with begin(ledger, actor=SYSTEM, now=NOW) as uow:
        assert forget(uow, aino, order="H/1")
    backup.restore()
    with ledger.read() as connection:
        assert entries_about(connection, ledger, aino)
    assert counted(replayed(ledger, vault)) == (1, 0, 0)
    with ledger.read() as connection:
        assert entries_about(connection, ledger, aino) == []
        assert entries_about(connection, ledger, ville)
    assert counted(replayed(ledger, vault)) == (0, 0, 2)


def test_a_withdrawn_consent_does_not_come_back_to_life(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup
) -> None:
    flow = Flow(ledger)
    given, other = flow.given(), flow.given()
    backup.take()
    flow.withdraw(given)
    backup.restore()
    assert status(ledger, given.record.consent) is Status.ACTIVE
    assert counted(replayed(ledger, vault)) == (0, 1, 0)
    denied = flow.fetch(given.access, now=LATER)
    assert isinstance(denied, Denial)
    assert denied.reason is DenialReason.WITHDRAWN
    assert status(ledger, given.record.consent) is Status.WITHDRAWN
    assert status(ledger, other.record.consent) is Status.ACTIVE


def test_a_consent_whose_last_use_was_made_is_not_used_again(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup
) -> None:
    flow = Flow(ledger)
    given = flow.given(details_uses=1)
    backup.take()
    assert not isinstance(flow.fetch(given.access), Denial)
    backup.restore()
    assert counted(replayed(ledger, vault)) == (0, 1, 0)
    assert isinstance(flow.fetch(given.access, now=LATER), Denial)


def test_a_consent_that_a_newer_one_took_the_place_of_stays_ended(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId
) -> None:
    flow = Flow(ledger)
    old = flow.given(person=aino)
    backup.take()
    flow.given(person=aino)
    backup.restore()
    assert counted(replayed(ledger, vault)) == (0, 1, 0)
    assert status(ledger, old.record.consent) is Status.REVOKED


def test_what_time_has_ended_is_left_to_time(
    ledger: Ledger, vault: Vault, journal: OutsideJournal
) -> None:
    Flow(ledger).given()
    with begin(ledger, actor=SYSTEM, now=NOW + timedelta(days=4000)) as uow:
        assert expire_due(uow) == 1
    assert journal.read().entries == ()


def test_a_replay_that_runs_twice_does_nothing_the_second_time(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId
) -> None:
    flow = Flow(ledger)
    given = flow.given()
    backup.take()
    erased(ledger, vault, aino)
    flow.withdraw(given)
    backup.restore()
    assert counted(replayed(ledger, vault)) == (1, 1, 0)
    before = kinds(ledger)
    again = replayed(ledger, vault)
    assert (again.erased, again.ended) == (0, 0)
    assert kinds(ledger) == [Kind.JOURNAL_REPLAYED, *before]


def test_a_replay_on_a_database_that_forgot_nothing_does_nothing(
    ledger: Ledger, vault: Vault, aino: PersonId
) -> None:
    flow = Flow(ledger)
    flow.withdraw(flow.given())
    erased(ledger, vault, aino)
    assert counted(replayed(ledger, vault)) == (0, 0, 2)


def test_a_backup_from_before_the_person_has_nothing_to_erase(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup
) -> None:
    backup.take()
    aino = known_person(ledger, vault, AINO)
    flow = Flow(ledger)
    flow.withdraw(flow.given())
    erased(ledger, vault, aino)
    backup.restore()
    assert counted(replayed(ledger, vault)) == (0, 0, 2)


def test_the_log_is_complete_after_a_replay(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId
) -> None:
    flow = Flow(ledger)
    given = flow.given(person=aino, details_uses=3)
    backup.take()
    flow.withdraw(given)
    erased(ledger, vault, aino)
    backup.restore()
    replayed(ledger, vault)
    report = check(ledger, [EFFECTS, CONSENT], now=LATER)
    assert [each for each in report.findings if each.gap is not Gap.EVENT_OVERDUE] == []


def test_rooms_above_let_go_of_an_erased_person_too(
    ledger: Ledger, vault: Vault, backup: DatabaseBackup, aino: PersonId, journal: OutsideJournal
) -> None:
    let_go: list[PersonId] = []

    def also(_uow: UnitOfWork, person: PersonId) -> None:
        let_go.append(person)

    backup.take()
    erased(ledger, vault, aino)
    backup.restore()
    replay(ledger, vault, journal, now=LATER, also=also)
    replay(ledger, vault, journal, now=LATER, also=also)
    assert let_go == [aino]


def test_an_erasure_that_never_committed_is_made_after_a_restore(
    ledger: Ledger, vault: Vault, aino: PersonId, journal: OutsideJournal
) -> None:
    """The line stands before the commit: too much is told rather than too little."""
    journal.append([person_erased(uuid4(), aino, at=NOW)])
    assert counted(replayed(ledger, vault)) == (1, 0, 0)
    assert viewed(ledger, vault, aino, GROSS).facts == ()


@pytest.mark.parametrize(
    ("damage", "seen"),
    [
        (lambda lines: [lines[0], lines[1][:40]], {Damage.NO_LINE}),
        (lambda lines: [b"nothing\n", lines[0]], {Damage.NO_LINE}),
        (lambda lines: [lines[1], lines[0]], {Damage.MISSING}),
    ],
)
def test_a_damaged_journal_is_replayed_as_far_as_it_is_whole_and_told_of(
    ledger: Ledger,
    vault: Vault,
    backup: DatabaseBackup,
    aino: PersonId,
    journal: OutsideJournal,
    damage: Callable[[list[bytes]], list[bytes]],
    seen: set[Damage],
) -> None:
    backup.take()
    erased(ledger, vault, aino)
    journal.append([consent_over(ConsentId(UUID(int=1)), withdrawn=True, at=NOW)])
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join(damage(lines)))
    backup.restore()
    found = replayed(ledger, vault)
    assert found.erased == 1
    assert {each.damage for each in found.faults} == seen
    assert viewed(ledger, vault, aino, GROSS).facts == ()


def test_a_journal_that_cannot_be_read_stops_the_replay(
    ledger: Ledger, vault: Vault, aino: PersonId, journal: OutsideJournal
) -> None:
    journal.path.mkdir()
    with pytest.raises(JournalError):
        replayed(ledger, vault)
    assert Kind.JOURNAL_REPLAYED not in kinds(ledger)
    assert viewed(ledger, vault, aino, GROSS).facts


def test_the_journal_holds_no_personal_data(
    ledger: Ledger, vault: Vault, aino: PersonId, journal: OutsideJournal
) -> None:
    flow = Flow(ledger)
    flow.withdraw(flow.given(person=aino))
    erased(ledger, vault, aino)
    content = journal.path.read_text()
    for planted in (AINO, "income", "glucose", "debt", "256000", "kela"):
        assert planted not in content
