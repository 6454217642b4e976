"""Random kills of writers, sequencers, backends and the server: nothing acknowledged is lost.

CONSENT_VAULT_TEST_KILLS=300 is the long form; CI runs a short one.
"""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("CONSENT_VAULT_TEST_KILLS", "20"))


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_after_every_kill_nothing_acknowledged_is_lost_and_there_is_one_history(
    database: str,
) -> None:
    seed = secrets.randbelow(2**32)
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.swarm", database, str(KILLS), str(seed)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60 + 3 * KILLS,
    )
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-3000:]}"
    figures = json.loads(done.stdout)
    print(figures)
    assert sum(figures["kills"].values()) == KILLS
    assert figures["acknowledged"] > KILLS
    assert figures["checkpoints"] >= 1
