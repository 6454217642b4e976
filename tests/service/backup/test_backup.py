"""A backup is whole, sealed and recorded; a restore brings back the data and nothing that ended."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from sqlalchemy import Engine, text

from audit.model import SYSTEM, Event, Kind
from audit.proofs import log_state
from audit.unit_of_work import begin
from policies.ids import ConsentId, SessionId, new_uuid
from policies.vocabulary import Language, LevelOfAssurance
from service.backup import making, restoring
from service.backup.errors import BackupError, DamagedBackupError
from service.backup.making import Made, check_backup, make_backup, snapshots_of
from service.backup.restoring import Restored, Wish, checked, restore
from service.backup.snapshot import SqliteSnapshots
from service.behind import catch_up
from service.journal import NAME
from service.migrations.upgrade import upgrade
from service.model import Session
from service.runtime import Runtime, open_runtime
from service.store import sessions
from tests.postgres import programs_of
from tests.service.office import PERSON, Office, content, open_office
from vault.erasure import Request, erase_person
from vault.holdings import describe
from vault.people import IDENTITY_SCHEME, enrol, find_person
from vault.sealed_file import write_sealed

LATER_PERSON = "020299-901H"


def session_of(office: Office) -> Session:
    return Session(
        id=SessionId(new_uuid()),
        person=office.person,
        loa=LevelOfAssurance.HIGH,
        language=Language.FI,
        auth_time=office.clock(),
        started_at=office.clock(),
        seen_at=office.clock(),
        ends_at=office.clock() + timedelta(hours=1),
        browser_hash=bytes(32),
        form_key=bytes(32),
    )


@pytest.fixture
def office(empty_engine: Engine, tmp_path: Path) -> Iterator[Office]:
    upgrade(empty_engine)
    empty_engine.dispose()
    opened = open_office(empty_engine.url.render_as_string(hide_password=False), tmp_path)
    yield opened
    opened.runtime.close()


def programs(office: Office) -> Path | None:
    engine = office.runtime.ledger.engine
    return None if engine.dialect.name == "sqlite" else programs_of(engine)


def back_up(office: Office, path: Path) -> Made:
    made = make_backup(
        office.runtime, path, snapshots_of(office.runtime, programs(office)), actor=SYSTEM
    )
    office.clock.advance(minutes=1)
    return made


def bring_back(
    office: Office,
    path: Path,
    *,
    replace: bool = True,
    new_log: bool = False,
    no_journal: bool = True,
    journals: tuple[Path, ...] = (),
) -> Restored:
    wish = Wish(
        actor=SYSTEM,
        replace=replace,
        new_log=new_log,
        no_journal=no_journal,
        journals=journals,
        programs=programs(office),
        clock=office.clock,
    )
    office.runtime.ledger.engine.dispose()
    return restore(office.runtime.settings, path, wish)


@contextmanager
def reopened(office: Office) -> Iterator[Runtime]:
    """The restored installation."""
    runtime = open_runtime(office.runtime.settings, clock=office.clock)
    try:
        yield runtime
    finally:
        runtime.close()


def status_of(runtime: Runtime, consent: ConsentId) -> str:
    with runtime.ledger.read() as connection:
        query = text("SELECT status FROM consent_consent WHERE consent_id = :id")
        value = consent if connection.dialect.name == "postgresql" else consent.hex
        return str(connection.execute(query, {"id": value}).scalar_one())


def plain_copy(office: Office, path: Path, tmp_path: Path) -> bytes:
    making.open_backup(office.runtime, path, tmp_path / "plain")
    return (tmp_path / "plain").read_bytes()


# Making


def test_a_backup_is_whole_private_and_sealed(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    made = back_up(office, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == made.size
    content = path.read_bytes()
    for secret in (b"audit_event", b"vault_record", PERSON.encode(), b"Esimerkki Oy"):
        assert secret not in content
    plain = plain_copy(office, path, tmp_path)
    assert b"audit_event" in plain or plain.startswith(b"PGDMP")
    assert b"Esimerkki Oy" not in plain


def test_it_is_recorded_before_and_after(office: Office, tmp_path: Path) -> None:
    made = back_up(office, tmp_path / "backup")
    (begun,), (ended,) = office.events(Kind.BACKUP_BEGUN), office.events(Kind.BACKUP_MADE)
    assert begun.get("reference") == ended.get("reference") == str(made.backup)
    assert ended.get("digest") == made.digest
    header = check_backup(
        office.runtime, tmp_path / "backup", snapshots_of(office.runtime, programs(office))
    )
    assert header.backup == made.backup


def test_a_backup_takes_the_place_of_an_older_one(office: Office, tmp_path: Path) -> None:
    first = back_up(office, tmp_path / "backup")
    second = back_up(office, tmp_path / "backup")
    header = check_backup(
        office.runtime, tmp_path / "backup", snapshots_of(office.runtime, programs(office))
    )
    assert header.backup == second.backup != first.backup


def test_what_cannot_be_read_again_is_no_backup(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that writes something else than it was given."""
    back_up(office, tmp_path / "backup")
    before = (tmp_path / "backup").read_bytes()
    real = write_sealed

    def spoiled(file: "BinaryIO", *given: "Any") -> str:
        digest = real(file, *given)
        file.flush()
        last = Path(file.name).read_bytes()[-1]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
        return digest

    monkeypatch.setattr("service.backup.making.write_sealed", spoiled)
    with pytest.raises(DamagedBackupError):
        back_up(office, tmp_path / "backup")
    assert (tmp_path / "backup").read_bytes() == before
    assert len(office.events(Kind.BACKUP_MADE)) == 1
    assert [each.name for each in tmp_path.glob(".backup*")] == []


# Restoring


def test_a_restore_brings_back_what_the_backup_holds(office: Office, tmp_path: Path) -> None:
    token = office.tokens()["access_token"]
    assert office.fetch(token).status == 200
    back_up(office, tmp_path / "backup")
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        enrol(uow, office.runtime.vault, scheme=IDENTITY_SCHEME, identifier=LATER_PERSON)
    restored = bring_back(office, tmp_path / "backup")
    assert restored.done.ended == 1  # the access token
    with reopened(office) as runtime, runtime.ledger.read() as connection:
        found = [
            find_person(connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=each)
            for each in (PERSON, LATER_PERSON)
        ]
        assert found == [office.person, None]
        held = {each.attribute for each in describe(connection, office.person)}
        assert "income.monthly_gross" in held


def test_a_token_from_before_opens_nothing_after_a_restore(office: Office, tmp_path: Path) -> None:
    token = office.tokens()["access_token"]
    back_up(office, tmp_path / "backup")
    bring_back(office, tmp_path / "backup")
    assert office.fetch(token).status == 401


def test_a_withdrawal_after_the_backup_stands_after_the_restore(
    office: Office, tmp_path: Path
) -> None:
    consent = office.given()
    tokens = office.tokens(consent)
    back_up(office, tmp_path / "backup")
    office.withdraw(consent)
    restored = bring_back(office, tmp_path / "backup")
    assert (restored.done.replayed.ended, restored.done.replayed.erased) == (1, 0)
    with reopened(office) as runtime:
        assert status_of(runtime, consent) == "withdrawn"
    refused = office.send(
        office.program.form(
            "/oauth/token",
            {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
        )
    )
    assert content(refused)["error"] == "invalid_grant"


def test_who_was_erased_after_the_backup_is_erased_after_the_restore(
    office: Office, tmp_path: Path
) -> None:
    back_up(office, tmp_path / "backup")
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        erase_person(uow, office.runtime.vault, office.person, Request.by_order("2026/4"))
    restored = bring_back(office, tmp_path / "backup")
    assert restored.done.replayed.erased == 1
    with reopened(office) as runtime, runtime.ledger.read() as connection:
        where = {"scheme": IDENTITY_SCHEME, "identifier": PERSON}
        assert find_person(connection, runtime.vault, **where) is None
        assert describe(connection, office.person) == []
        for table in ("vault_person_key", "vault_record_version", "vault_identifier"):
            query = text(f"SELECT count(*) FROM {table}")
            assert connection.execute(query).scalar_one() == 0


def test_sessions_end(office: Office, tmp_path: Path) -> None:
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        event = uow.record(Event(kind=Kind.SIGNED_IN, subject=office.person))
        sessions.add(uow.connection, session_of(office), bytes(32), event)
    back_up(office, tmp_path / "backup")
    assert bring_back(office, tmp_path / "backup").done.ended == 1
    with reopened(office) as runtime, runtime.ledger.read() as connection:
        assert sessions.find(connection, bytes(32)) is None


def test_the_restore_is_an_event_that_names_the_backup(office: Office, tmp_path: Path) -> None:
    made = back_up(office, tmp_path / "backup")
    bring_back(office, tmp_path / "backup")
    (told,) = office.events(Kind.BACKUP_RESTORED)
    assert told.get("reference") == str(made.backup)


def test_a_log_that_lost_entries_is_not_signed_until_it_is_begun_anew(
    office: Office, tmp_path: Path
) -> None:
    office.runtime.sequencer.run_once(office.clock())
    back_up(office, tmp_path / "backup")
    office.given()
    office.runtime.sequencer.run_once(office.clock())
    refused = bring_back(office, tmp_path / "backup")
    assert refused.done.refusal is not None
    assert "was a backup restored?" in refused.done.refusal
    office.clock.advance(minutes=1)
    begun = bring_back(office, tmp_path / "backup", new_log=True)
    assert (begun.done.refusal, begun.done.begun) == (None, "2026h2b")
    with reopened(office) as runtime:
        runtime.sequencer.run_once(office.clock())
        with runtime.ledger.read() as connection:
            assert log_state(connection).size > 1


def test_a_log_that_lost_nothing_goes_on(office: Office, tmp_path: Path) -> None:
    office.runtime.sequencer.run_once(office.clock())
    back_up(office, tmp_path / "backup")
    restored = bring_back(office, tmp_path / "backup", new_log=True)
    assert (restored.done.refusal, restored.done.begun) == (None, None)


def test_what_stood_there_is_kept(office: Office, tmp_path: Path) -> None:
    back_up(office, tmp_path / "backup")
    office.given()
    kept = bring_back(office, tmp_path / "backup").kept
    assert kept is not None
    count = "SELECT count(*) FROM {}consent_consent"
    if office.runtime.ledger.engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(kept)) as connection:
            assert connection.execute(count.format("")).fetchone() == (1,)
    else:
        with office.runtime.ledger.read() as connection:
            assert connection.execute(text(count.format(f"{kept}."))).scalar_one() == 1


# What is refused, and then changes nothing


def test_a_database_that_stands_there_is_not_replaced_unasked(
    office: Office, tmp_path: Path
) -> None:
    back_up(office, tmp_path / "backup")
    office.given()
    with pytest.raises(BackupError) as refused:
        bring_back(office, tmp_path / "backup", replace=False)
    assert "--replace" in refused.value.repair
    assert len(office.events(Kind.CONSENT_GIVEN)) == 1


def test_nothing_is_restored_while_somebody_has_the_database_open(
    office: Office, tmp_path: Path
) -> None:
    back_up(office, tmp_path / "backup")
    consent = office.given()
    with reopened(office) as runtime, runtime.ledger.read() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(BackupError, match="open") as refused:
            bring_back(office, tmp_path / "backup")
    assert "stop the service" in refused.value.repair
    with reopened(office) as runtime:
        assert status_of(runtime, consent) == "active"
    assert bring_back(office, tmp_path / "backup").kept


@pytest.mark.parametrize("where", [0, 40, -1])
def test_a_changed_backup_is_refused(office: Office, tmp_path: Path, where: int) -> None:
    back_up(office, tmp_path / "backup")
    changed = bytearray((tmp_path / "backup").read_bytes())
    changed[where] ^= 1
    (tmp_path / "backup").write_bytes(changed)
    office.given()
    with pytest.raises(BackupError):
        bring_back(office, tmp_path / "backup")
    assert len(office.events(Kind.CONSENT_GIVEN)) == 1


def test_a_backup_of_another_installation_is_refused(office: Office, tmp_path: Path) -> None:
    back_up(office, tmp_path / "backup")
    elsewhere = office.runtime.settings.model_copy(update={"data_folder": tmp_path / "others"})
    with pytest.raises(BackupError, match="another installation"):
        checked(elsewhere, tmp_path / "backup", programs(office))


def test_a_backup_of_the_other_kind_of_database_is_refused(office: Office, tmp_path: Path) -> None:
    back_up(office, tmp_path / "backup")
    header = making.open_backup(office.runtime, tmp_path / "backup", tmp_path / "plain")
    other = replace(header, copy={**header.copy, "database": "another"})
    with pytest.raises(BackupError, match="it holds a another database"):
        rewritten(office, tmp_path, other)


def test_a_backup_of_a_newer_program_is_refused(office: Office, tmp_path: Path) -> None:
    back_up(office, tmp_path / "backup")
    header = making.open_backup(office.runtime, tmp_path / "backup", tmp_path / "plain")
    with pytest.raises(BackupError, match="revision 9999"):
        rewritten(office, tmp_path, replace(header, revision="9999"))


def rewritten(office: Office, tmp_path: Path, header: making.BackupHeader) -> None:
    """A backup sealed by us, with another header."""
    path = tmp_path / "rewritten"
    with office.runtime.vault.file_key(header.wrapped_key) as key, path.open("wb") as file:
        write_sealed(file, bytes(header), key, [(tmp_path / "plain").read_bytes()])
    bring_back(office, path)


@pytest.mark.parametrize("plain", [b"", b"no database at all" * 300])
def test_what_holds_no_database_is_refused(office: Office, tmp_path: Path, plain: bytes) -> None:
    back_up(office, tmp_path / "backup")
    header = making.open_backup(office.runtime, tmp_path / "backup", tmp_path / "plain")
    (tmp_path / "plain").write_bytes(plain)
    with pytest.raises(DamagedBackupError):
        rewritten(office, tmp_path, header)


@pytest.mark.parametrize("header", [b"", b"[]", b"{}", b'{"backup": "x"}'])
def test_a_header_that_cannot_be_read_is_refused(header: bytes) -> None:
    with pytest.raises(DamagedBackupError, match="header"):
        making.BackupHeader.parse(header)


def test_a_restore_that_fails_half_way_leaves_what_stood_there(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(office, tmp_path / "backup")
    office.given()

    def no_disk(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(restoring, "replay_all", no_disk)
    with pytest.raises(OSError, match="full"):
        bring_back(office, tmp_path / "backup")
    assert len(office.events(Kind.CONSENT_GIVEN)) == 1
    assert office.events(Kind.BACKUP_RESTORED) == []
    monkeypatch.undo()
    assert bring_back(office, tmp_path / "backup").done.replayed.faults == ()


def test_a_first_restore_that_fails_leaves_nothing_to_be_served(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into an empty place: what was restored and not brought up to date is gone again."""
    engine = office.runtime.ledger.engine
    back_up(office, tmp_path / "backup")
    engine.dispose()
    if engine.dialect.name == "sqlite":
        Path(str(engine.url.database)).unlink()
    else:
        with engine.begin() as connection:
            schema = connection.execute(text("SELECT current_schema()")).scalar_one()
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {schema}"))

    def no_disk(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(restoring, "replay_all", no_disk)
    with pytest.raises(OSError, match="full"):
        bring_back(office, tmp_path / "backup", replace=False)
    if engine.dialect.name == "sqlite":
        assert not Path(str(engine.url.database)).exists()
    else:
        with engine.connect() as connection:
            query = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
            assert connection.execute(text(query)).scalar_one() == 0
    monkeypatch.undo()
    assert bring_back(office, tmp_path / "backup", replace=False).kept is None


# The journal, and what an older copy has forgotten


def test_without_its_journal_nothing_is_restored_unasked(office: Office, tmp_path: Path) -> None:
    back_up(office, tmp_path / "backup")
    with pytest.raises(BackupError, match="is not there") as refused:
        bring_back(office, tmp_path / "backup", no_journal=False)
    assert "--no-journal" in refused.value.repair
    consent = office.given()
    office.withdraw(consent)
    assert bring_back(office, tmp_path / "backup", no_journal=False).done.replayed.faults == ()


def test_the_journal_of_another_host_is_replayed_too(office: Office, tmp_path: Path) -> None:
    consent = office.given()
    back_up(office, tmp_path / "backup")
    office.withdraw(consent)
    own = office.runtime.settings.data_folder / NAME
    others = tmp_path / "others.journal"
    own.rename(others)
    restored = bring_back(office, tmp_path / "backup", journals=(others,))
    assert restored.done.replayed.ended == 1


def copied_back(office: Office, tmp_path: Path) -> None:
    """An older copy of the database, put there by hand."""
    path = Path(str(office.runtime.ledger.engine.url.database))
    office.runtime.ledger.engine.dispose()
    shutil.copy(tmp_path / "by-hand", path)


@pytest.fixture
def by_hand(office: Office, tmp_path: Path) -> ConsentId:
    """A copy taken while a consent stood and somebody was signed in."""
    engine = office.runtime.ledger.engine
    if engine.dialect.name != "sqlite":
        pytest.skip("a schema is not copied by hand")
    consent = office.given()
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        event = uow.record(Event(kind=Kind.SIGNED_IN, subject=office.person))
        sessions.add(uow.connection, session_of(office), bytes(32), event)
    engine.dispose()
    shutil.copy(str(engine.url.database), tmp_path / "by-hand")
    return consent


def test_a_start_on_an_older_copy_ends_again_what_has_ended_since(
    office: Office, tmp_path: Path, by_hand: ConsentId
) -> None:
    office.withdraw(by_hand)
    with begin(office.runtime.ledger, actor=SYSTEM, now=office.clock()) as uow:
        erase_person(uow, office.runtime.vault, office.person, Request.by_order("2026/4"))
    copied_back(office, tmp_path)
    with reopened(office) as runtime:
        assert status_of(runtime, by_hand) == "active"
        catch_up(runtime)
        assert status_of(runtime, by_hand) == "withdrawn"
        with runtime.ledger.read() as connection:
            assert describe(connection, office.person) == []
            assert sessions.find(connection, bytes(32)) is None
        catch_up(runtime)
    assert len(office.events(Kind.JOURNAL_REPLAYED)) == 1


def test_a_start_on_the_newest_database_ends_nothing(
    office: Office, tmp_path: Path, by_hand: ConsentId
) -> None:
    del tmp_path
    office.withdraw(by_hand)
    with reopened(office) as runtime:
        catch_up(runtime)
        with runtime.ledger.read() as connection:
            assert sessions.find(connection, bytes(32)) is not None
    assert office.events(Kind.JOURNAL_REPLAYED) == []


def test_a_log_without_its_database_is_put_aside_too(
    office: Office, tmp_path: Path, by_hand: ConsentId
) -> None:
    """Its pages would come over the restored ones."""
    del by_hand
    place = Path(str(office.runtime.ledger.engine.url.database))
    back_up(office, tmp_path / "backup")
    office.runtime.ledger.engine.dispose()
    place.unlink()
    place.with_name(f"{place.name}-wal").write_bytes(b"of another main file")
    with pytest.raises(BackupError):
        bring_back(office, tmp_path / "backup", replace=False)
    kept = bring_back(office, tmp_path / "backup").kept
    assert kept is not None
    assert Path(f"{kept}-wal").read_bytes() == b"of another main file"
    assert not place.with_name(f"{place.name}-wal").exists()


def test_nothing_is_restored_under_an_open_database(
    office: Office, tmp_path: Path, by_hand: ConsentId
) -> None:
    del by_hand
    back_up(office, tmp_path / "backup")
    with closing(sqlite3.connect(str(office.runtime.ledger.engine.url.database))) as opened:
        opened.execute("SELECT count(*) FROM audit_event").fetchone()
        with pytest.raises(BackupError, match="open"):
            bring_back(office, tmp_path / "backup")


def test_a_database_that_is_opened_while_the_copy_is_brought_up_is_not_put_aside(
    office: Office, tmp_path: Path, by_hand: ConsentId
) -> None:
    place = Path(str(office.runtime.ledger.engine.url.database))
    back_up(office, tmp_path / "backup")
    office.runtime.ledger.engine.dispose()
    with closing(sqlite3.connect(place)) as opened:

        def clock() -> datetime:
            if any(place.parent.glob(f".backup-*/{place.name}")):
                opened.execute("SELECT count(*) FROM audit_event").fetchone()
            return office.clock()

        wish = Wish(actor=SYSTEM, replace=True, no_journal=True, clock=clock)
        with pytest.raises(BackupError, match="open"):
            restore(office.runtime.settings, tmp_path / "backup", wish)
        assert not any(place.parent.glob("*.before-restore-*"))
    with reopened(office) as runtime:
        assert status_of(runtime, by_hand) == "active"
    assert office.events(Kind.BACKUP_RESTORED) == []


def test_no_part_of_a_backup_lies_in_clear_where_it_is_written(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "share").mkdir()
    seen: list[str] = []
    check = SqliteSnapshots.check

    def looking(self: SqliteSnapshots, copy: Path) -> None:
        seen.extend(each.name for each in (tmp_path / "share").iterdir())
        assert copy.stat().st_mode & 0o777 == 0o600
        check(self, copy)

    monkeypatch.setattr(SqliteSnapshots, "check", looking)
    back_up(office, tmp_path / "share" / "backup")
    assert all(name.startswith(".backup.") for name in seen)
