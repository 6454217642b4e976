"""What the command line says to somebody who gets it wrong."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.model import SYSTEM, Event, Kind
from audit.unit_of_work import begin
from service.cli.main import main
from service.runtime import open_runtime
from service.settings import load_settings


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["dmo"], "Did you mean 'demo'?"),
        (["demo", "--prot", "1"], "Did you mean '--port'?"),
        (["client", "ad"], "Did you mean 'add'?"),
        (["audit", "verifi"], "Did you mean 'verify'?"),
    ],
)
def test_a_slip_is_answered_with_the_nearest_word(typed: list[str], told: str) -> None:
    result = CliRunner().invoke(main, typed)
    assert result.exit_code == 2
    assert told in result.output


def test_a_setting_that_is_none_is_answered_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URI", "sqlite:///x.db")
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", "sqlite:///x.db")
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 1
    assert "the nearest is CONSENT_VAULT_DATABASE_URL" in result.output


@pytest.mark.parametrize("command", [["client", "list"], ["doctor"], ["serve"], ["db", "upgrade"]])
def test_a_folder_without_an_installation_is_named_with_the_way_to_one(
    tmp_path: Path, command: list[str]
) -> None:
    result = CliRunner().invoke(main, [*command, "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert f"consent-vault demo --data {tmp_path}" in result.output


def test_every_command_explains_itself() -> None:
    for name, command in main.commands.items():
        assert command.help, name
        for sub in getattr(command, "commands", {}).values():
            assert sub.help, f"{name} {sub.name}"


def test_help_needs_no_framework() -> None:
    """Completion runs the program at each press of a key."""
    loaded = "import sys; import service.cli.main; print('fastapi' in sys.modules)"
    said = subprocess.check_output([sys.executable, "-c", loaded], text=True)
    assert said.strip() == "False"


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation by the environment, with one event in its log."""
    for name, value in {
        "BASE_URL": "https://vault.example.fi",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'vault.db'}",
        "DATA_FOLDER": str(tmp_path / "keys"),
    }.items():
        monkeypatch.setenv(f"CONSENT_VAULT_{name}", value)
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    assert CliRunner().invoke(main, ["client", "list"]).exit_code == 0
    runtime = open_runtime(load_settings())
    with begin(runtime.ledger, actor=SYSTEM, now=runtime.now()) as uow:
        uow.record(Event(kind=Kind.SIGNED_IN))
    runtime.ledger.engine.dispose()
    return tmp_path


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("OIDC_ISSUER", "https://idp.example.fi", "CONSENT_VAULT_OIDC_CLIENT_KEY"),
        ("OIDC_ACR", "two", "CONSENT_VAULT_OIDC_ACR"),
        ("DATABASE_URL", "mysql://h/d", "CONSENT_VAULT_DATABASE_URL"),
        ("DATABASE_URL", "sqlite:////nowhere/vault.db", "CONSENT_VAULT_DATABASE_URL"),
        ("DATABASE_URL", "sqlite:///{folder}/garbage", "CONSENT_VAULT_DATABASE_URL"),
        ("DATA_FOLDER", "/proc/keys", "/proc/keys cannot be used"),
        ("DATA_FOLDER", "{folder}/others", "CONSENT_VAULT_DATA_FOLDER"),
    ],
)
@pytest.mark.parametrize("command", [["client", "list"], ["serve"]])
def test_what_is_set_wrong_is_told_with_its_repair_and_never_as_a_crash(
    installation: Path,
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: str,
    told: str,
    command: list[str],
) -> None:
    (installation / "garbage").write_text("this is no database " * 100)
    monkeypatch.setenv(f"CONSENT_VAULT_{setting}", value.format(folder=installation))
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert told in result.output
    assert "Repair: " in result.output


def test_a_busy_port_is_told_with_its_repair(installation: Path) -> None:
    assert installation.exists()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["serve", "--port", str(port)])
    assert result.exit_code == 1
    assert f"127.0.0.1 port {port}" in result.output
    assert "--port" in result.output


def test_settings_of_a_demo_that_are_damaged_are_told(tmp_path: Path) -> None:
    for content in ("[1]", "{"):
        (tmp_path / "settings.json").write_text(content)
        result = CliRunner().invoke(main, ["client", "list", "--data", str(tmp_path)])
        assert result.exit_code == 1
        assert f"consent-vault demo --data {tmp_path}" in result.output


def test_a_stopped_service_ends_in_order(installation: Path) -> None:
    """SIGTERM is what a supervisor sends; the log says where it served and that it stopped."""
    command = [str(Path(sys.executable).with_name("consent-vault")), "serve", "--port", "0"]
    del installation
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        first = json.loads(running.stderr.readline())
        time.sleep(1)
        running.terminate()
        rest = running.stderr.read()
    assert first["event"] == "serving"
    assert "Traceback" not in rest
    assert running.returncode in {0, -15}
