"""A backup brings back consents as they were: what was stopped or taken out since is so again."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.journal_line import Told, consent_paused
from audit.model import SYSTEM, Actor
from audit.outside_journal import OutsideJournal
from audit.replaying import Replayed, is_behind, replay_words
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, begin
from consent.decisions import Denial, Permit
from consent.grounds import Suspension, SuspensionGround
from consent.journaling import attributes_of, bits_of, number_of, suspension_of
from consent.model import Consent, Status
from consent.narrowing import narrow
from consent.parties import Party
from consent.pausing import pause, resume
from consent.reading import consent
from consent.replay import WORDS
from consent.supervising import resume_by_order, suspend_by_order
from policies.vocabulary import LevelOfAssurance
from tests.consent.flow import ASKED, GROSS, NEEDED, NOW, YEARLY, Flow, Given
from tests.database_backup import DatabaseBackup
from tests.wrapping import MemoryWrapper

AT, LATER = NOW + timedelta(minutes=1), NOW + timedelta(minutes=9)
LOA = LevelOfAssurance.LOW
ORDER = Suspension(Party.SUPERVISOR, SuspensionGround.BREACH)


@pytest.fixture
def flow(engine: Engine, tmp_path: Path) -> Flow:
    journal = OutsideJournal(tmp_path / "journal", bytes(range(32)))
    return Flow(Ledger(engine, MemoryWrapper(), journal=journal))


@pytest.fixture
def backup(engine: Engine, tmp_path: Path) -> DatabaseBackup:
    return DatabaseBackup(engine, tmp_path)


def now(flow: Flow, given: Given) -> Consent:
    with flow.ledger.read() as connection:
        found = consent(connection, given.record.consent)
    assert found is not None
    return found


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def paused(flow: Flow, given: Given, *, minutes: int = 1) -> None:
    with begin(flow.ledger, actor=Actor.person(given.person), now=at(minutes)) as uow:
        pause(uow, given.record.consent, person=given.person, loa=LOA)


def narrowed(flow: Flow, given: Given, *, minutes: int = 1) -> None:
    with begin(flow.ledger, actor=Actor.person(given.person), now=at(minutes)) as uow:
        narrow(uow, given.record.consent, without=(YEARLY,), person=given.person, loa=LOA)


def behind(flow: Flow) -> bool:
    assert flow.ledger.journal is not None
    with flow.ledger.read(EVERYONE) as connection:
        return is_behind(connection, WORDS, flow.ledger.journal)


def replayed(flow: Flow, *, at: datetime = LATER) -> Replayed:
    assert flow.ledger.journal is not None
    return replay_words(flow.ledger, WORDS, [flow.ledger.journal], now=at, actor=SYSTEM)


def test_what_was_stopped_since_is_stopped_again(flow: Flow, backup: DatabaseBackup) -> None:
    given = flow.given()
    backup.take()
    paused(flow, given)
    assert not behind(flow)
    backup.restore()
    assert behind(flow)
    assert isinstance(flow.fetch(given.access), Permit)
    assert replayed(flow).count(Told.CONSENT_PAUSED) == 1
    standing = now(flow, given)
    assert standing.status is Status.SUSPENDED
    assert standing.suspended == Suspension(Party.SUBJECT, SuspensionGround.ART18)
    assert isinstance(flow.fetch(given.access), Denial)
    assert not behind(flow)
    assert replayed(flow).done == ()


def test_what_goes_on_again_is_known_where_nothing_was_restored(flow: Flow) -> None:
    given = flow.given()
    paused(flow, given)
    with begin(flow.ledger, actor=Actor.person(given.person), now=LATER) as uow:
        resume(uow, given.record.consent, person=given.person, loa=LOA)
    assert not behind(flow)
    assert replayed(flow).done == ()
    assert now(flow, given).status is Status.ACTIVE


def test_what_was_taken_out_since_is_taken_out_again(flow: Flow, backup: DatabaseBackup) -> None:
    given = flow.given(granted=ASKED)
    backup.take()
    narrowed(flow, given)
    assert not behind(flow)
    backup.restore()
    assert behind(flow)
    assert replayed(flow).count(Told.CONSENT_NARROWED) == 1
    assert (now(flow, given).granted, now(flow, given).refused) == (NEEDED, (YEARLY,))
    assert isinstance(flow.fetch(given.access, (GROSS, YEARLY)), Denial)
    assert not behind(flow)


def test_what_ended_since_ends_and_is_neither_stopped_nor_narrowed(
    flow: Flow, backup: DatabaseBackup
) -> None:
    given = flow.given(granted=ASKED)
    backup.take()
    narrowed(flow, given)
    paused(flow, given)
    flow.withdraw(given, now=AT)
    backup.restore()
    replayed(flow)
    assert now(flow, given).status is Status.WITHDRAWN
    assert not behind(flow)


def test_a_database_that_never_had_it_has_nothing_to_do(flow: Flow, backup: DatabaseBackup) -> None:
    backup.take()
    given = flow.given(granted=ASKED)
    narrowed(flow, given)
    paused(flow, given)
    backup.restore()
    assert not behind(flow)
    assert replayed(flow).done == ()


def resumed(flow: Flow, given: Given, *, minutes: int) -> None:
    with begin(flow.ledger, actor=Actor.person(given.person), now=at(minutes)) as uow:
        resume(uow, given.record.consent, person=given.person, loa=LOA)


def ordered(flow: Flow, given: Given, *, minutes: int) -> None:
    party, ground = ORDER.by, ORDER.ground
    with begin(flow.ledger, actor=SYSTEM, now=at(minutes)) as uow:
        suspend_by_order(uow, given.record.consent, party=party, ground=ground)


def test_what_was_taken_out_of_what_stands_stopped_is_taken_out_and_stays_stopped(
    flow: Flow, backup: DatabaseBackup
) -> None:
    given = flow.given(granted=ASKED)
    paused(flow, given)
    backup.take()
    resumed(flow, given, minutes=2)
    narrowed(flow, given, minutes=3)
    backup.restore()
    assert behind(flow)
    assert replayed(flow).count(Told.CONSENT_NARROWED) == 1
    standing = now(flow, given)
    assert (standing.status, standing.granted) == (Status.SUSPENDED, NEEDED)
    assert standing.suspended == Suspension(Party.SUBJECT, SuspensionGround.ART18)
    assert not behind(flow)
    assert replayed(flow).done == ()


@pytest.mark.parametrize("known", [True, False])
def test_a_later_stop_by_another_takes_over(
    flow: Flow, backup: DatabaseBackup, *, known: bool
) -> None:
    """Also where both stops came after the backup."""
    given = flow.given()
    if not known:
        backup.take()
    paused(flow, given)
    if known:
        backup.take()
    resumed(flow, given, minutes=2)
    ordered(flow, given, minutes=3)
    assert not behind(flow)
    backup.restore()
    assert behind(flow)
    assert replayed(flow).count(Told.CONSENT_PAUSED) == (1 if known else 2)
    assert now(flow, given).suspended == ORDER
    assert not behind(flow)
    assert replayed(flow).done == ()


def test_the_person_stops_again_what_another_had_stopped_before(
    flow: Flow, backup: DatabaseBackup
) -> None:
    given = flow.given()
    ordered(flow, given, minutes=1)
    backup.take()
    with begin(flow.ledger, actor=SYSTEM, now=at(2)) as uow:
        resume_by_order(uow, given.record.consent, party=ORDER.by)
    paused(flow, given, minutes=3)
    assert not behind(flow)
    backup.restore()
    replayed(flow)
    assert now(flow, given).suspended == Suspension(Party.SUBJECT, SuspensionGround.ART18)
    assert not behind(flow)


def test_a_stop_with_its_purpose_takes_nobodys_place(flow: Flow) -> None:
    given = flow.given()
    paused(flow, given)
    assert flow.ledger.journal is not None
    stopped = Suspension(Party.SYSTEM, SuspensionGround.PURPOSE_SUSPENDED)
    line = consent_paused(given.record.consent, number_of(stopped), at=at(2))
    flow.ledger.journal.append([line])
    assert not behind(flow)


def test_what_stands_stopped_beyond_its_time_ends(flow: Flow, backup: DatabaseBackup) -> None:
    given, other = flow.given(granted=ASKED), flow.given()
    for each in (given, other):
        paused(flow, each)
    backup.take()
    for each in (given, other):
        resumed(flow, each, minutes=2)
    narrowed(flow, given, minutes=3)
    ordered(flow, other, minutes=3)
    backup.restore()
    replayed(flow, at=NOW + timedelta(days=4000))
    assert [now(flow, each).status for each in (given, other)] == [Status.EXPIRED] * 2
    assert not behind(flow)


@pytest.mark.parametrize("party", [Party.SUBJECT, Party.SYSTEM, Party.SUPERVISOR])
@pytest.mark.parametrize("ground", SuspensionGround)
def test_who_stopped_it_and_why_fit_into_a_byte(party: Party, ground: SuspensionGround) -> None:
    stopped = Suspension(party, ground)
    assert number_of(stopped) < 256
    assert suspension_of(number_of(stopped)) == stopped


def test_the_numbers_of_parties_and_grounds_never_change() -> None:
    assert number_of(Suspension(Party.SUBJECT, SuspensionGround.ART18)) == 0x00
    assert number_of(Suspension(Party.SUPERVISOR, SuspensionGround.NOTICE_DEFECT)) == 0x25


def test_bits_stand_for_what_was_asked_in_its_order() -> None:
    assert bits_of(ASKED, ASKED) == 0b1111
    assert bits_of(ASKED, (GROSS,)) == 0b1
    assert attributes_of(ASKED, bits_of(ASKED, NEEDED)) == NEEDED
