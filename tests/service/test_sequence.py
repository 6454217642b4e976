"""`consent-vault sequence` as it runs: one process works, the next follows, a stop is orderly."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.model import SYSTEM, Event, Kind
from audit.proofs import log_state
from audit.unit_of_work import Ledger, begin
from service.cli.main import main
from service.migrations.upgrade import upgrade
from service.runtime import Runtime, open_runtime, utc_now
from service.settings import SettingsError, load_settings
from tests.postgres import schema_of_its_own

AT_REST = 1.0
"""Within so many seconds the next one works, on a machine with nothing else to do."""
SLACK = 10
"""Tests share the machine with others."""
COMMAND = [str(Path(sys.executable).with_name("consent-vault")), "sequence"]


@pytest.fixture
def runtime(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """An installation on PostgreSQL that leaves the log to another process."""
    with schema_of_its_own(postgresql_url) as url:
        monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", url)
        yield from _opened(tmp_path, monkeypatch)


def _opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    monkeypatch.setenv("CONSENT_VAULT_SEQUENCER", "external")
    opened = open_runtime(load_settings())
    upgrade(opened.ledger.engine)
    yield opened
    opened.close()


class Process:
    """A running command and what it has said."""

    def __init__(self, log: Path) -> None:
        self.log = log
        with log.open("wb") as said:
            self.running = subprocess.Popen(COMMAND, stderr=said)

    def said(self) -> list[str]:
        return [json.loads(each)["event"] for each in self.log.read_text().splitlines()]

    def end(self, how: signal.Signals) -> int:
        self.running.send_signal(how)
        return self.running.wait(60)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[], Process]]:
    made: list[Process] = []

    def start() -> Process:
        made.append(Process(tmp_path / f"{len(made)}.log"))
        wait_for(lambda: any("the sequencer" in each for each in made[-1].said()))
        return made[-1]

    yield start
    for each in made:
        each.running.kill()
        each.running.wait(20)


def wait_for(condition: Callable[[], bool]) -> float:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + 90
        time.sleep(0.02)
    return time.monotonic() - begun


def placed(ledger: Ledger) -> bool:
    with ledger.read() as connection:
        return log_state(connection).queued == 0


def happen(ledger: Ledger) -> None:
    with begin(ledger, actor=SYSTEM, now=utc_now()) as uow:
        uow.record(Event(kind=Kind.SIGN_IN_BEGUN))


def test_the_next_process_takes_over_within_a_second(
    runtime: Runtime, started: Callable[[], Process]
) -> None:
    runtime.start()
    assert not runtime.sequencer.running
    assert runtime.sequenced
    working = started()
    happen(runtime.ledger)
    wait_for(lambda: placed(runtime.ledger))
    for how in (signal.SIGKILL, signal.SIGTERM):
        waiting = started()
        assert waiting.said()[-1] == "the sequencer stands by: another one works"
        ended = working.end(how)
        happen(runtime.ledger)
        assert wait_for(lambda: placed(runtime.ledger)) < AT_REST * SLACK
        assert waiting.said()[-1] == "the sequencer works"
        if how is signal.SIGTERM:
            assert (ended, working.said()[-1]) == (0, "stopped")
        working = waiting


def test_on_sqlite_the_command_says_who_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", f"sqlite:///{tmp_path / 'v.db'}")
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(tmp_path / "keys"))
    monkeypatch.setenv("CONSENT_VAULT_BASE_URL", "https://vault.example.fi")
    upgrade(open_runtime(load_settings()).ledger.engine)
    result = CliRunner().invoke(main, ["sequence"])
    assert result.exit_code == 1
    assert "consent-vault serve" in result.output


def test_sqlite_cannot_leave_the_log_to_another_process(tmp_path: Path) -> None:
    given = {"base_url": "https://vault.example.fi", "data_folder": tmp_path}
    with pytest.raises(SettingsError, match="PostgreSQL only"):
        load_settings({}, **given, database_url="sqlite:///v.db", sequencer="external")
