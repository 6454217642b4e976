"""What the command line says to somebody who gets it wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.main import main


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
