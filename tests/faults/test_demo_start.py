"""A first start of the demo that is killed half way: the next start makes it whole."""

import os
import subprocess
import time
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.running import COMMAND, exchange, running, send
from tests.visitor import Visitor

STEPS = ("keys and settings", "database", "purposes and agencies", "people and their documents")
"""After each of them the first start is killed."""
LONGEST_WAIT = 60.0
"""Seconds; only a hang should meet this."""


@pytest.fixture(params=["sqlite", "postgresql"])
def options(request: pytest.FixtureRequest) -> list[str]:
    """What names the demo's database on the command line."""
    if request.param == "sqlite":
        return []
    return ["--database", request.getfixturevalue("postgresql_schema")]


def test_a_first_start_killed_after_each_step_is_made_whole_by_the_next(
    tmp_path: Path, options: list[str]
) -> None:
    folder = tmp_path / "data"
    for step in STEPS:
        _kill_after(step, folder, options)
    with running(folder, *options) as demo, Visitor() as matti:
        assert "people and their documents" in demo.output
        matti.open(demo.link("Matti"))
        for page in ("data", "requests", "consents", "log"):
            assert matti.open(demo.page(page)).status == 200
        assert matti.open(demo.page("requests")).link("/requests/")
        agency = demo.agency("debt-counsel")
        _, token = exchange(agency, matti)
        assert send(agency.fetch(token, "income")).status_code == 200


def _kill_after(step: str, folder: Path, options: list[str]) -> None:
    log = folder.with_suffix(".log")
    command = [*COMMAND, "demo", "--data", str(folder), "--port", "21460", *options]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_VAULT_")}
    with log.open("wb") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder.parent, env=clean)
    deadline = time.monotonic() + LONGEST_WAIT
    while f"{step} …" not in log.read_text():
        assert started.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    started.send_signal(SIGKILL)
    started.wait(timeout=30)
