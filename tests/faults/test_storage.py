"""The disk fails under SQLite, at each call in turn: an error once, or the end of the process.

`strace` makes a chosen call fail, or kills the process in it. Afterwards the database is whole,
nothing acknowledged is lost, and every checkpoint that was published is of the tree that stands.
An ordinary run tries some of the calls; CONSENT_VAULT_TEST_ALL_STORAGE_FAULTS=1 tries all.
"""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from audit.database import open_engine
from audit.merkle import fold, tree_hash
from audit.sequencer import Sequencer
from audit.store import metadata, tables
from audit.store import tree as store
from audit.unit_of_work import Ledger
from tests.audit.checking import check_log
from tests.audit.sample import LOG, NOW, signers
from tests.faults.storage import EVENTS, ROUNDS, FixedWrapper

ROOT = Path(__file__).resolve().parents[2]
CALLS = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink", "openat")
"""Those by which SQLite changes files; it renames none."""
TRIED = 3
"""Of each call in an ordinary run, spread over the life."""
FAULTS = {"EIO": "error=EIO", "full disk": "error=ENOSPC", "kill": "signal=SIGKILL"}


@pytest.fixture(scope="module")
def strace() -> str:
    """The tracer; where it is missing or may not trace, these tests are skipped but in CI."""
    found = shutil.which("strace")
    works = (
        found and subprocess.run([found, "-o", "/dev/null", "true"], check=False).returncode == 0
    )
    if not (found and works):
        if os.environ.get("CI") == "true":
            pytest.fail("the storage tests must run here and strace is missing or may not trace")
        pytest.skip("strace is missing or may not trace: install the package strace to run this")
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the tables of the log."""
    file = tmp_path_factory.mktemp("empty") / "log.db"
    engine = open_engine(f"sqlite:///{file}")
    metadata.create_all(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return file


def live(strace: str, folder: Path, empty: Path, *options: str) -> list[str]:
    """One life on a fresh copy under the tracer; what it told."""
    file = folder / "log.db"
    for old in folder.glob("log.db*"):
        old.unlink()
    shutil.copy(empty, file)
    paths = [word for name in ("", "-wal", "-shm") for word in ("-P", f"{file}{name}")]
    done = subprocess.run(
        [
            *(strace, "-f", "-qq", "-o", str(folder / "trace"), *paths),
            *("-e", f"trace={','.join(CALLS)}", *options),
            *(sys.executable, "-m", "tests.faults.storage", str(file)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in {0, -9, 137}, done.stderr
    return done.stdout.splitlines()


def calls(folder: Path) -> Counter[str]:
    """How often each call was made in the life before."""
    lines = (folder / "trace").read_text().splitlines()
    return Counter(m[1] for m in (re.match(r"(?:\d+\s+)?(\w+)\(", each) for each in lines) if m)


def points(counted: Counter[str]) -> Iterator[tuple[str, int]]:
    """The calls at which something fails, spread over the life."""
    everything = bool(os.environ.get("CONSENT_VAULT_TEST_ALL_STORAGE_FAULTS"))
    for name in CALLS:
        step = 1 if everything else max(1, counted[name] // TRIED)
        yield from ((name, number) for number in range(1, counted[name] + 1, step))


def check(folder: Path, told: list[str]) -> None:
    """The database as it stands after that life, against what the life told."""
    ledger = Ledger(open_engine(f"sqlite:///{folder / 'log.db'}"), FixedWrapper())
    with ledger.read() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    Sequencer(ledger, signers()).run_once(NOW)
    size = check_log(ledger)
    with ledger.read() as connection:
        ids = {str(each) for each in connection.execute(select(tables.event.c.event_id)).scalars()}
        hashes = [row.leaf_hash for row in store.leaves(connection, LOG, 0, size)]
    ledger.engine.dispose()
    assert {each.split()[1] for each in told if each.startswith("acknowledged")} <= ids
    for _, published, root in (each.split() for each in told if each.startswith("published")):
        first = hashes[: int(published)]
        found = tree_hash(lambda n, i: fold(first[i << n : (i + 1) << n]), 0, len(first))  # noqa: B023
        assert found.hex() == root


def test_a_life_without_faults(strace: str, empty: Path, tmp_path: Path) -> None:
    told = live(strace, tmp_path, empty)
    check(tmp_path, told)
    assert sum(each.startswith("acknowledged") for each in told) == ROUNDS * EVENTS
    assert sum(each.startswith("published") for each in told) == ROUNDS
    counted = calls(tmp_path)
    assert counted["pwrite64"] > ROUNDS * EVENTS
    assert counted["fdatasync"] + counted["fsync"] > ROUNDS * EVENTS


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_that_fails_at_any_call_loses_nothing_acknowledged(
    strace: str, empty: Path, tmp_path: Path, fault: str
) -> None:
    live(strace, tmp_path, empty)
    counted = calls(tmp_path)
    hurt = 0
    for name, number in points(counted):
        told = live(strace, tmp_path, empty, "-e", f"inject={name}:{FAULTS[fault]}:when={number}")
        check(tmp_path, told)
        hurt += sum(each.startswith("acknowledged") for each in told) < ROUNDS * EVENTS
    print(f"{fault}: {sum(1 for _ in points(counted))} lives, {hurt} of them hurt, {dict(counted)}")
    assert hurt > 0
