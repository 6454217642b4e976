"""A backup brings back clients that were stopped, and keys that had been replaced."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.check_report import Gap
from audit.completeness import check
from audit.journal_line import Told, client_suspended
from audit.model import SYSTEM, Kind
from audit.outside_journal import OutsideJournal
from audit.replaying import Replayed, is_behind, replay_words
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger, UnitOfWork, begin
from consent.clients import replace_keys, suspend_client
from consent.decisions import Denial, DenialReason, Permit
from consent.effects import EFFECTS
from consent.model import ClientStatus
from consent.replay import WORDS
from policies.ids import ClientId
from tests.consent.flow import NOW, Flow, events, public_key
from tests.database_backup import DatabaseBackup
from tests.wrapping import MemoryWrapper

AT, LATER = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)


@pytest.fixture
def ledger(engine: Engine, tmp_path: Path) -> Ledger:
    journal = OutsideJournal(tmp_path / "journal", bytes(range(32)))
    return Ledger(engine, MemoryWrapper(), journal=journal)


@pytest.fixture
def backup(engine: Engine, tmp_path: Path) -> DatabaseBackup:
    return DatabaseBackup(engine, tmp_path)


def changed(ledger: Ledger, what: Callable[[UnitOfWork], object], *, minutes: int = 1) -> None:
    with begin(ledger, actor=SYSTEM, now=NOW + timedelta(minutes=minutes)) as uow:
        what(uow)


def suspended(ledger: Ledger, client: ClientId, *, minutes: int = 1) -> None:
    changed(ledger, lambda uow: suspend_client(uow, client), minutes=minutes)


def rekeyed(ledger: Ledger, client: ClientId, kid: str = "key-2", *, minutes: int = 1) -> None:
    jwks = {"keys": [public_key(kid)]}
    changed(ledger, lambda uow: replace_keys(uow, client, jwks), minutes=minutes)


def behind(ledger: Ledger) -> bool:
    assert ledger.journal is not None
    with ledger.read(EVERYONE) as connection:
        return is_behind(connection, WORDS, ledger.journal)


def replayed(ledger: Ledger) -> Replayed:
    assert ledger.journal is not None
    was_behind = behind(ledger)
    found = replay_words(ledger, WORDS, [ledger.journal], now=LATER, actor=SYSTEM)
    assert was_behind is bool(found.done)
    assert not behind(ledger)
    return found


def test_a_suspended_client_is_suspended_again(ledger: Ledger, backup: DatabaseBackup) -> None:
    flow = Flow(ledger)
    given = flow.given()
    backup.take()
    suspended(ledger, flow.client.id)
    backup.restore()
    assert isinstance(flow.fetch(given.access), Permit)
    assert replayed(ledger).done == (Told.CLIENT_SUSPENDED,)
    assert flow.client_now(flow.client.id).status is ClientStatus.SUSPENDED
    denied = flow.fetch(given.access, now=LATER)
    assert isinstance(denied, Denial)
    assert denied.reason is DenialReason.CLIENT_SUSPENDED
    (happened,) = events(ledger, Kind.CLIENT_SUSPENDED)
    assert (happened.get("client"), happened.get("reason")) == (flow.client.id, None)
    assert replayed(ledger).done == ()


def test_a_client_whose_old_keys_came_back_works_when_it_has_got_its_keys_again(
    ledger: Ledger, backup: DatabaseBackup
) -> None:
    flow = Flow(ledger)
    given = flow.given()
    backup.take()
    rekeyed(ledger, flow.client.id)
    backup.restore()
    assert flow.client_now(flow.client.id).jwks[0]["kid"] == "key-1"
    assert replayed(ledger).done == (Told.CLIENT_KEYS_REPLACED,)
    assert flow.client_now(flow.client.id).status is ClientStatus.AWAITING_KEYS
    assert isinstance(flow.fetch(given.access), Denial)
    (happened,) = events(ledger, Kind.CLIENT_SUSPENDED)
    assert happened.get("reason") == "keys-not-known"
    assert not behind(ledger)
    rekeyed(ledger, flow.client.id, minutes=61)
    now = flow.client_now(flow.client.id)
    assert (now.status, now.jwks[0]["kid"]) == (ClientStatus.ACTIVE, "key-2")
    assert replayed(ledger).done == ()
    report = check(ledger, [EFFECTS], now=LATER)
    assert [each for each in report.findings if each.gap is not Gap.EVENT_OVERDUE] == []
    assert isinstance(flow.fetch(given.access), Permit)


@pytest.mark.parametrize("doings", [(rekeyed, suspended), (suspended, rekeyed)])
def test_a_client_with_new_keys_that_was_suspended_is_suspended(
    ledger: Ledger, backup: DatabaseBackup, doings: tuple[Callable[..., None], ...]
) -> None:
    flow = Flow(ledger)
    backup.take()
    for minutes, do in enumerate(doings, start=1):
        do(ledger, flow.client.id, minutes=minutes)
    backup.restore()
    assert Told.CLIENT_SUSPENDED in replayed(ledger).done
    assert flow.client_now(flow.client.id).status is ClientStatus.SUSPENDED


def test_only_the_newest_of_several_replaced_keys_are_those_of_a_client(ledger: Ledger) -> None:
    flow = Flow(ledger)
    for minutes, kid in enumerate(("key-2", "key-3"), start=1):
        rekeyed(ledger, flow.client.id, kid, minutes=minutes)
    assert not behind(ledger)
    assert replayed(ledger).nothing_to_do == 2


def test_keys_from_between_two_replacements_are_old_ones(
    ledger: Ledger, backup: DatabaseBackup
) -> None:
    flow = Flow(ledger)
    rekeyed(ledger, flow.client.id)
    backup.take()
    rekeyed(ledger, flow.client.id, "key-3", minutes=2)
    backup.restore()
    assert replayed(ledger).done == (Told.CLIENT_KEYS_REPLACED,)


def test_keys_that_another_host_replaced_later_are_not_old_ones(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Each host writes a journal of its own, and starts with that one alone."""
    flow = Flow(ledger)
    rekeyed(ledger, flow.client.id)
    assert ledger.journal is not None
    other = Ledger(
        ledger.engine, ledger.log_keys, journal=ledger.journal.beside(tmp_path / "other")
    )
    rekeyed(other, flow.client.id, "key-3", minutes=2)
    assert not behind(ledger)
    assert not behind(other)


def test_a_client_that_is_not_here_is_nothing_to_do(ledger: Ledger) -> None:
    flow = Flow(ledger)
    assert ledger.journal is not None
    ledger.journal.append([client_suspended(ClientId("another"), at=AT)])
    assert replayed(ledger).nothing_to_do == 1
    assert flow.client_now(flow.client.id).status is ClientStatus.ACTIVE


def test_no_suspension_and_no_new_key_waits_for_the_journal(ledger: Ledger) -> None:
    flow = Flow(ledger)
    assert ledger.journal is not None
    ledger.journal.path.mkdir()
    rekeyed(ledger, flow.client.id)
    suspended(ledger, flow.client.id)
    assert flow.client_now(flow.client.id).status is ClientStatus.SUSPENDED


def test_the_journal_names_no_client_and_no_key(ledger: Ledger) -> None:
    flow = Flow(ledger)
    rekeyed(ledger, flow.client.id)
    suspended(ledger, flow.client.id, minutes=2)
    assert ledger.journal is not None
    content = ledger.journal.path.read_text()
    assert flow.client.id not in content
    assert "key-2" not in content
