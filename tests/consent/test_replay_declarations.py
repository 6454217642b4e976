"""A backup brings back declarations that were suspended or retired, and those stay stopped."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.check_report import Gap
from audit.completeness import check
from audit.journal_line import Told, declaration_stepped
from audit.model import SYSTEM, Kind
from audit.outside_journal import OutsideJournal
from audit.replaying import Replayed, is_behind, replay_words
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.decisions import Denial
from consent.declarations import declaration, declared, resume, retire, suspend
from consent.declared import DeclarationKind, DeclarationStatus, Declared
from consent.effects import EFFECTS
from consent.following import follow_declarations
from consent.model import Status
from consent.reading import consent
from consent.replay import WORDS
from tests.consent.flow import DEBT_ADVICE, NOW, Flow, Given, catalogue, events
from tests.database_backup import DatabaseBackup
from tests.wrapping import MemoryWrapper

LATER = NOW + timedelta(hours=1)
Step = Callable[[UnitOfWork, Declared], Declared]


@pytest.fixture
def flow(engine: Engine, tmp_path: Path) -> Flow:
    journal = OutsideJournal(tmp_path / "journal", bytes(range(32)))
    return Flow(Ledger(engine, MemoryWrapper(), journal=journal))


@pytest.fixture
def backup(engine: Engine, tmp_path: Path) -> DatabaseBackup:
    return DatabaseBackup(engine, tmp_path)


def found(uow: UnitOfWork) -> Declared:
    return declared(uow, DeclarationKind.PURPOSE, DEBT_ADVICE, 1, catalogue())


def stepped(flow: Flow, step: Step, *, minutes: int) -> None:
    """The operators do it, and within the same minute the consents follow."""
    now = NOW + timedelta(minutes=minutes)
    with begin(flow.ledger, actor=SYSTEM, now=now) as uow:
        step(uow, found(uow))
    follow(flow, minutes=minutes)


def follow(flow: Flow, *, minutes: int) -> None:
    with begin(flow.ledger, actor=SYSTEM, now=NOW + timedelta(minutes=minutes)) as uow:
        follow_declarations(uow, limit=100)


def status(flow: Flow) -> DeclarationStatus:
    with flow.ledger.read() as connection:
        return declaration(connection, DeclarationKind.PURPOSE, DEBT_ADVICE, 1, catalogue()).status


def status_of(flow: Flow, given: Given) -> Status:
    with flow.ledger.read() as connection:
        standing = consent(connection, given.record.consent)
    assert standing is not None
    return standing.status


def behind(flow: Flow) -> bool:
    assert flow.ledger.journal is not None
    with flow.ledger.read(EVERYONE) as connection:
        return is_behind(connection, WORDS, flow.ledger.journal)


def replayed(flow: Flow) -> Replayed:
    """The replay, after which a second one has nothing to do, and the consents follow."""
    assert flow.ledger.journal is not None
    done = [
        replay_words(flow.ledger, WORDS, [flow.ledger.journal], now=LATER, actor=SYSTEM)
        for _ in range(2)
    ]
    assert done[1].done == ()
    assert not behind(flow)
    follow(flow, minutes=61)
    return done[0]


def test_a_suspended_purpose_is_suspended_again_and_its_consents_stay_stopped(
    flow: Flow, backup: DatabaseBackup
) -> None:
    given = flow.given()
    backup.take()
    stepped(flow, suspend, minutes=1)
    assert not behind(flow)
    backup.restore()
    assert behind(flow)
    assert replayed(flow).count(Told.DECLARATION_SUSPENDED) == 1
    assert (status(flow), status_of(flow, given)) == (
        DeclarationStatus.SUSPENDED,
        Status.SUSPENDED,
    )
    assert isinstance(flow.fetch(given.access, now=LATER), Denial)
    assert len(events(flow.ledger, Kind.DECLARATION_SUSPENDED)) == 1
    report = check(flow.ledger, [EFFECTS], now=LATER)
    assert [each for each in report.findings if each.gap is not Gap.EVENT_OVERDUE] == []


def test_a_retired_purpose_is_retired_again_and_its_consents_end(
    flow: Flow, backup: DatabaseBackup
) -> None:
    given, waiting = flow.given(), flow.open(flow.person())
    backup.take()
    stepped(flow, suspend, minutes=1)
    stepped(flow, retire, minutes=2)
    backup.restore()
    replayed(flow)
    assert (status(flow), status_of(flow, given)) == (DeclarationStatus.RETIRED, Status.REVOKED)
    with flow.ledger.read() as connection:
        asked = consent(connection, waiting.id)
    assert asked is not None
    assert asked.status is Status.CANCELLED


def test_a_purpose_that_was_resumed_since_goes_on(flow: Flow, backup: DatabaseBackup) -> None:
    given = flow.given()
    backup.take()
    stepped(flow, suspend, minutes=1)
    stepped(flow, resume, minutes=2)
    assert not behind(flow)
    backup.restore()
    assert replayed(flow).count(Told.DECLARATION_SUSPENDED, Told.DECLARATION_RESUMED) == 2
    assert (status(flow), status_of(flow, given)) == (DeclarationStatus.APPROVED, Status.ACTIVE)


def test_a_purpose_that_was_suspended_resumed_and_suspended_is_suspended(
    flow: Flow, backup: DatabaseBackup
) -> None:
    backup.take()
    for minutes, step in enumerate((suspend, resume, suspend), start=1):
        stepped(flow, step, minutes=minutes)
    assert not behind(flow)
    backup.restore()
    replayed(flow)
    assert status(flow) is DeclarationStatus.SUSPENDED


def test_what_the_backup_knows_to_be_suspended_its_operators_resume(
    flow: Flow, backup: DatabaseBackup
) -> None:
    stepped(flow, suspend, minutes=1)
    backup.take()
    stepped(flow, resume, minutes=2)
    backup.restore()
    assert replayed(flow).done == ()
    assert status(flow) is DeclarationStatus.SUSPENDED


def test_what_is_resumed_after_the_replay_stays_so(flow: Flow, backup: DatabaseBackup) -> None:
    backup.take()
    stepped(flow, suspend, minutes=1)
    backup.restore()
    replayed(flow)
    stepped(flow, resume, minutes=62)
    assert not behind(flow)
    assert status(flow) is DeclarationStatus.APPROVED


def test_a_declaration_that_is_not_here_is_nothing_to_do(flow: Flow) -> None:
    assert flow.ledger.journal is not None
    line = declaration_stepped(Told.DECLARATION_RETIRED, "purpose:loan@1", at=LATER)
    flow.ledger.journal.append([line])
    assert replayed(flow).nothing_to_do == 1


def test_no_stop_waits_for_the_journal(flow: Flow) -> None:
    assert flow.ledger.journal is not None
    flow.ledger.journal.path.mkdir()
    stepped(flow, suspend, minutes=1)
    assert status(flow) is DeclarationStatus.SUSPENDED
