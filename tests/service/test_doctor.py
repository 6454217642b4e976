"""Each fault that the doctor knows is found and its repair named."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from audit.database import open_engine
from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from service.doctor.database import check_migrations
from service.doctor.examine import examine
from service.doctor.finding import Finding
from service.doctor.keys import check_key_provider, check_keys
from service.doctor.log import check_log
from service.doctor.place import check_port, check_sign_in
from service.migrations.upgrade import upgrade
from service.runtime import Runtime, open_runtime
from service.settings import Settings
from vault.providers.file import FileKeyProvider


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        base_url="https://vault.example.fi",
        database_url=f"sqlite:///{tmp_path / 'vault.db'}",
        data_folder=tmp_path / "keys",
    )


@pytest.fixture
def engine_of(settings: Settings) -> Iterator[Engine]:
    opened = open_engine(settings.database_url)
    upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def installed(settings: Settings, engine_of: Engine) -> Iterator[Runtime]:
    """An installation with one event in its tree."""
    assert engine_of is not None
    runtime = open_runtime(settings)
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.SIGNED_IN))
    runtime.sequencer.run_once(runtime.now())
    yield runtime
    runtime.ledger.engine.dispose()


def test_an_installation_in_order_has_no_fault(installed: Runtime) -> None:
    assert [f for f in examine(installed.settings) if not f.ok] == []


def test_a_guard_that_somebody_took_away_is_found(installed: Runtime, engine_of: Engine) -> None:
    with engine_of.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_event_no_delete"))
    fault = next(f for f in examine(installed.settings) if not f.ok)
    assert fault.found == "audit_event_no_delete is missing"
    assert "consent-vault db upgrade" in fault.repair


def test_a_key_that_others_may_read_is_found_with_its_chmod(installed: Runtime) -> None:
    key = next(installed.settings.data_folder.glob("kek-*"))
    key.chmod(0o640)
    assert check_keys(key.parent).repair == f"chmod 600 '{key}'"


def test_a_folder_that_others_may_enter_is_found_with_its_chmod(installed: Runtime) -> None:
    folder = installed.settings.data_folder
    folder.chmod(0o755)
    assert check_keys(folder).repair == f"chmod 700 '{folder}'"


def test_a_missing_key_folder_is_found(tmp_path: Path) -> None:
    assert not check_keys(tmp_path / "nothing").ok


def test_a_damaged_key_is_found(installed: Runtime) -> None:
    next(installed.settings.data_folder.glob("kek-*")).write_bytes(b"short")
    assert "backup" in check_key_provider(installed.settings).repair


def test_a_database_without_tables_is_found_with_the_command(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    assert check_migrations(engine).repair == "consent-vault db upgrade"
    engine.dispose()


def test_a_database_that_does_not_answer_is_found(settings: Settings, installed: Runtime) -> None:
    gone = settings.model_copy(
        update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/nothing"}
    )
    found = {f.check: f for f in examine(gone)}
    assert "does not answer" in found["database"].found
    assert "log" not in found


def test_a_leaf_that_was_changed_is_found(installed: Runtime, settings: Settings) -> None:
    engine = installed.ledger.engine
    with engine.connect() as connection:
        connection.execute(text("DROP TRIGGER audit_event_no_update"))
        connection.execute(text("UPDATE audit_event SET commitment = zeroblob(32)"))
        connection.commit()
    assert "changed" in check_log(engine, settings).repair


def test_an_event_that_waits_for_long_is_found(installed: Runtime, settings: Settings) -> None:
    then = datetime.now(UTC) - timedelta(minutes=5)
    with begin(installed.ledger, actor=SYSTEM, now=then) as uow:
        uow.record(Event(kind=Kind.SIGNED_OUT))
    assert "sequencer" in check_log(installed.ledger.engine, settings).repair


def test_a_finding_without_a_repair_is_in_order() -> None:
    assert Finding("port", "free").ok
    assert not Finding("port", "taken", "move").ok


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_the_look_goes_on_when_the_keys_are_at_fault(installed: Runtime, mode: int) -> None:
    installed.settings.data_folder.chmod(mode)
    found = {f.check: f for f in examine(installed.settings)}
    assert not found["keys"].ok
    assert {"migrations", "port"} <= found.keys()


def test_the_look_makes_no_key(settings: Settings, engine_of: Engine) -> None:
    assert engine_of is not None
    found = {f.check: f for f in examine(settings)}
    assert not found["keys"].ok
    assert not settings.data_folder.exists()
    settings.data_folder.mkdir(mode=0o700)
    assert "backup" in check_keys(settings.data_folder).repair
    assert list(settings.data_folder.iterdir()) == []


def test_keys_of_another_installation_are_found(installed: Runtime, tmp_path: Path) -> None:
    others = installed.settings.model_copy(update={"data_folder": tmp_path / "others"})
    FileKeyProvider.open_or_create(others.data_folder)
    found = {f.check: f for f in examine(others)}
    assert "CONSENT_VAULT_DATA_FOLDER" in found["keys-and-database"].repair


def test_a_setting_of_the_sign_in_that_cannot_be_used_is_found(settings: Settings) -> None:
    without_key = settings.model_copy(update={"oidc_issuer": "https://idp.example.fi"})
    assert not check_sign_in(without_key).ok
    assert "nobody can sign in" in check_sign_in(settings).found


def test_an_event_that_waits_for_days_is_told_in_full(
    installed: Runtime, settings: Settings
) -> None:
    then = datetime.now(UTC) - timedelta(days=2)
    with begin(installed.ledger, actor=SYSTEM, now=then) as uow:
        uow.record(Event(kind=Kind.SIGNED_OUT))
    (seconds,) = re.findall(r"waited (\d+) s", check_log(installed.ledger.engine, settings).found)
    assert int(seconds) >= 172_800


def test_a_port_on_the_other_loopback_address_is_looked_at() -> None:
    assert check_port("http://[::1]:9").found == "http://[::1]:9 is free"
