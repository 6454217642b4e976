"""`consent-vault import`: what the operator sees, and what a program reads."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli.main import main
from tests.policies.test_deposit_document import document
from tests.vault.given import AINO

GOOD = json.dumps(document()).encode() + b"\n"


class Installation:
    """An installation by the environment, and a file to import."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "register.jsonl"
        self.report = folder / "register.jsonl.refused"

    def run(self, *options: str) -> Result:
        return CliRunner().invoke(main, ["import", str(self.file), *options])


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    for name, value in {
        "BASE_URL": "https://vault.example.fi",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'vault.db'}",
        "DATA_FOLDER": str(tmp_path / "keys"),
    }.items():
        monkeypatch.setenv(f"CONSENT_VAULT_{name}", value)
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    return Installation(tmp_path)


def test_a_file_is_brought_in_and_counted(installation: Installation) -> None:
    installation.file.write_bytes(GOOD)
    said = installation.run("--enrol")
    assert said.exit_code == 0, said.output
    assert "1 lines: 1 kept, 0 known before" in said.output
    assert not installation.report.exists()


def test_refused_lines_are_in_a_report_for_the_operator_only(installation: Installation) -> None:
    installation.file.write_bytes(GOOD + b"{\n" + GOOD)
    said = installation.run("--json")
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout) == {
        "lines": 3,
        "kept": 0,
        "known": 0,
        "refused": 3,
        "report": str(installation.report),
    }
    assert stat.S_IMODE(installation.report.stat().st_mode) == 0o600
    told = installation.report.read_text()
    assert '{"line": 2, "pointer": "#", "reason": "not-json"}' in told
    assert AINO not in told
    assert f"3 refused: {installation.report}" in installation.run().output


def test_a_second_run_brings_nothing_more(installation: Installation) -> None:
    installation.file.write_bytes(GOOD + b"{\n")
    assert installation.run("--enrol").exit_code == 0
    before = installation.report.read_bytes()
    said = installation.run("--enrol", "--json")
    assert json.loads(said.stdout)["kept"] == 1
    assert "imported already" in said.stderr
    assert installation.report.read_bytes() == before


def test_the_report_goes_where_it_is_asked_for(installation: Installation) -> None:
    installation.file.write_bytes(b"{\n")
    elsewhere = installation.folder / "why.jsonl"
    assert installation.run("--report", str(elsewhere)).exit_code == 0
    assert elsewhere.exists()
    assert not installation.report.exists()


def test_a_file_that_is_something_else_is_not_overwritten(installation: Installation) -> None:
    installation.file.write_bytes(b"{\n")
    installation.report.write_text("a letter")
    said = installation.run()
    assert said.exit_code == 1
    assert "is not the report of this import" in said.output
    assert "Repair: " in said.output
    assert installation.report.read_text() == "a letter"


def test_no_link_is_followed_to_the_report(installation: Installation) -> None:
    installation.file.write_bytes(b"{\n")
    other = installation.folder / "other"
    other.touch()
    installation.report.symlink_to(other)
    said = installation.run()
    assert said.exit_code == 1
    assert "Repair: " in said.output
    assert other.read_bytes() == b""
