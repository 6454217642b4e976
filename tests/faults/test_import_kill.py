"""kill -9 of an import, again and again: every line comes once, and the report tells each refusal.

When to kill is counted in lines that were committed; the blow falls somewhere in the piece after.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGKILL

import pytest
from sqlalchemy import Engine, func, select

from audit.completeness import check
from audit.unit_of_work import Ledger
from service.effects import EVERY_ROOM
from service.migrations.upgrade import upgrade
from service.runtime import utc_now
from tests.bench.importing import ATTRIBUTES, document
from vault.importing import BATCH
from vault.providers.file import FileKeyProvider
from vault.store import tables

PIECES = 5
LINES = PIECES * BATCH + BATCH // 2
KILLS = 4
EACH_REFUSED = 97
"""Every so many lines one is no document."""
LONGEST_WAIT = 120.0
"""Seconds; only a hang should meet this."""


class Imports:
    """One installation, one file, and processes that import it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        upgrade(engine)
        self.engine = engine
        self.folder = folder
        self.file = folder / "register.jsonl"
        self.report = folder / "register.jsonl.refused"

    def begin(self) -> "subprocess.Popen[str]":
        """What `consent-vault import` runs, in a process of its own."""
        settings = {
            "BASE_URL": "https://vault.example.fi",
            "DATABASE_URL": self.engine.url.render_as_string(hide_password=False),
            "DATA_FOLDER": str(self.folder / "keys"),
        }
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_VAULT_")}
        started = "from service.cli.main import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", started, "import", str(self.file), "--enrol", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean | {f"CONSENT_VAULT_{name}": value for name, value in settings.items()},
        )

    def kill_after(self, lines: int, delay: float) -> None:
        """Begin, and end it when so many lines are committed."""
        process = self.begin()
        deadline = time.monotonic() + LONGEST_WAIT
        while self.committed() < lines and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(SIGKILL)
        _, errors = process.communicate()
        assert process.returncode == -SIGKILL, errors

    def committed(self) -> int:
        with self.engine.connect() as connection:
            lines = connection.execute(select(tables.imported.c.lines)).scalar_one_or_none()
        return lines or 0

    def count(self, table: str) -> int:
        of = tables.metadata.tables[f"vault_{table}"]
        with self.engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(of)).scalar_one()

    def refused(self) -> list[int]:
        rest = self.report.read_text().splitlines()[1:]
        return [json.loads(each)["line"] for each in rest]


@pytest.fixture
def imports(empty_engine: Engine, tmp_path: Path) -> Imports:
    return Imports(empty_engine, tmp_path)


def test_an_import_killed_again_and_again_brings_every_line_once(imports: Imports) -> None:
    wrong = set(range(EACH_REFUSED, LINES + 1, EACH_REFUSED))
    lines = ("{}\n" if n in wrong else document(n) for n in range(1, LINES + 1))
    imports.file.write_text("".join(lines))
    dice = random.Random(20261124)  # noqa: S311  # a game, not a secret
    for kill in range(KILLS):
        imports.kill_after(kill * BATCH, dice.random() / 2)
    last = imports.begin()
    said, errors = last.communicate(timeout=LONGEST_WAIT)
    assert last.returncode == 0, errors
    kept = LINES - len(wrong)
    assert json.loads(said) == {
        "lines": LINES,
        "kept": kept,
        "known": 0,
        "refused": len(wrong),
        "report": str(imports.report),
    }
    assert (imports.count("deposit"), imports.count("person")) == (kept, kept)
    assert imports.count("record_version") == kept * ATTRIBUTES
    assert imports.refused() == sorted(wrong)
    provider = FileKeyProvider.open_or_create(imports.folder / "keys")
    ledger = Ledger(imports.engine, provider)
    report = check(ledger, EVERY_ROOM, now=utc_now())
    assert report.findings == ()
