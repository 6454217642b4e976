"""What the command line says to somebody who gets it wrong."""

import json
import socket
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.model import SYSTEM, Event, Kind
from audit.reader import search
from audit.shards import UNSHARDED
from audit.unit_of_work import begin
from policies.catalogue import load_catalogue
from policies.ids import PurposeId
from service.cli.main import main
from service.runtime import open_runtime
from service.settings import load_settings
from tests.consent.flow import metadata, public_key


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


def told_of(*command: str) -> str:
    """What a command that fails says."""
    result = CliRunner().invoke(main, list(command))
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    return result.output


@pytest.fixture
def with_tree(installation: Path) -> Path:
    """The same with its event in the signed tree."""
    runtime = open_runtime(load_settings())
    runtime.sequencer.run_once(runtime.now())
    runtime.ledger.engine.dispose()
    return installation


def exports(folder: Path) -> int:
    assert folder.exists()
    runtime = open_runtime(load_settings())
    with runtime.ledger.read() as connection:
        found = search(connection, runtime.ledger, kind=Kind.LOG_EXPORTED)
    runtime.ledger.engine.dispose()
    return len(found)


def test_an_export_is_for_its_owner_only_whatever_stood_there(with_tree: Path) -> None:
    file = with_tree / "log.zip"
    file.write_text("older")
    file.chmod(0o644)
    assert CliRunner().invoke(main, ["audit", "export", str(file)]).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert exports(with_tree) == 1
    assert CliRunner().invoke(main, ["audit", "verify", str(file)]).exit_code == 0
    assert [each.name for each in with_tree.iterdir() if each.name.startswith(".")] == []


def test_an_export_that_cannot_be_written_is_none(with_tree: Path) -> None:
    said = told_of("audit", "export", str(with_tree / "nowhere" / "log.zip"))
    assert "nowhere" in said
    assert exports(with_tree) == 0


def test_an_unpacked_export_verifies_too(with_tree: Path) -> None:
    file, folder = with_tree / "log.zip", with_tree / "log"
    assert CliRunner().invoke(main, ["audit", "export", str(file)]).exit_code == 0
    with zipfile.ZipFile(file) as bundle:
        bundle.extractall(folder)
    result = CliRunner().invoke(main, ["audit", "verify", str(folder)])
    assert result.exit_code == 0, result.output


def test_a_client_is_suspended_once(installation: Path) -> None:
    file = installation / "client.json"
    file.write_text(json.dumps(metadata(client_id="kela-1", organisation="kela")))
    for command in (["client", "add", str(file)], ["client", "suspend", "kela-1"]):
        assert CliRunner().invoke(main, command).exit_code == 0
    assert "suspended before" in told_of("client", "suspend", "kela-1")
    assert "client list" in told_of("client", "suspend", "kela-2")


def test_a_client_is_given_other_keys(installation: Path) -> None:
    file, keys = installation / "client.json", installation / "keys.json"
    file.write_text(json.dumps(metadata(client_id="kela-1", organisation="kela")))
    assert CliRunner().invoke(main, ["client", "add", str(file)]).exit_code == 0
    keys.write_text(json.dumps({"keys": [public_key("key-2")]}))
    given = CliRunner().invoke(main, ["client", "keys", "kela-1", str(keys)])
    assert (given.exit_code, "is active" in given.output) == (0, True)
    (listed,) = json.loads(CliRunner().invoke(main, ["client", "list", "--json"]).output)
    assert [each["kid"] for each in listed["jwks"]] == ["key-2"]
    assert "client list" in told_of("client", "keys", "kela-2", str(keys))
    keys.write_text(json.dumps({"keys": []}))
    assert "jwks: wrong-form" in told_of("client", "keys", "kela-1", str(keys))


def test_a_folder_without_keys_is_told(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENT_VAULT_DATA_FOLDER", str(installation / "none"))
    assert "CONSENT_VAULT_DATA_FOLDER" in told_of("keys", "status")


@pytest.mark.parametrize("command", [["db", "upgrade"], ["client", "list"], ["serve"]])
def test_a_database_of_a_newer_program_is_left_alone(
    installation: Path, command: list[str]
) -> None:
    with sqlite3.connect(installation / "vault.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "newer than this program" in told_of(*command)
    doctor = CliRunner().invoke(main, ["doctor"])
    assert "install the consent-vault that upgraded the database" in doctor.output


@pytest.mark.parametrize("command", [["db", "upgrade"], ["db", "role", "vault"]])
def test_a_database_that_does_not_answer_is_told_by_its_own_commands_too(
    installation: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    assert installation.exists()
    monkeypatch.setenv("CONSENT_VAULT_DATABASE_URL", "sqlite:////nowhere/vault.db")
    assert "CONSENT_VAULT_DATABASE_URL" in told_of(*command)


def test_the_public_keys_that_an_export_names_are_shown(with_tree: Path) -> None:
    result = CliRunner().invoke(main, ["audit", "vkeys", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    shown = {each["vkey"] for each in found if each["log"] == UNSHARDED and each["signs"]}
    exported = CliRunner().invoke(main, ["audit", "export", str(with_tree / "log.zip")])
    assert shown
    assert all(vkey in exported.output for vkey in shown)
    plain = CliRunner().invoke(main, ["audit", "vkeys"])
    assert all(f"signs  {vkey}" in plain.output for vkey in shown)


def test_a_purpose_that_is_not_of_the_catalogue_is_listed_too(installation: Path) -> None:
    declared = load_catalogue().purposes[PurposeId("debt-advice")].to_json()
    file = installation / "purpose.json"
    file.write_text(json.dumps(declared | {"id": "debt-advice-by-phone"}))
    assert CliRunner().invoke(main, ["purpose", "add", str(file)]).exit_code == 0
    listed = CliRunner().invoke(main, ["purpose", "list", "--json"])
    versions = {each["id"]: each["version"] for each in json.loads(listed.output)}
    assert versions["debt-advice-by-phone"] == declared["version"]
    assert versions["debt-advice"] is None
    plain = CliRunner().invoke(main, ["purpose", "list"]).output
    assert "debt-advice-by-phone  version" in plain
    assert "debt-advice  not registered" in plain


def test_a_version_that_changes_more_than_words_is_not_editorial(installation: Path) -> None:
    declared = load_catalogue().purposes[PurposeId("debt-advice")].to_json()
    file = installation / "purpose.json"
    file.write_text(json.dumps(declared))
    assert CliRunner().invoke(main, ["purpose", "add", str(file)]).exit_code == 0
    file.write_text(json.dumps(declared | {"version": 2, "max_validity_days": 30}))
    assert "max_validity_days differs" in told_of("purpose", "add", "--editorial", str(file))
    words = {"fi": "Neuvoja.", "sv": "Råd.", "en": "Advice."}
    file.write_text(json.dumps(declared | {"version": 2, "purpose": words}))
    added = CliRunner().invoke(main, ["purpose", "add", "--editorial", str(file)])
    assert added.exit_code == 0, added.output
