"""The disk is full in the middle of an import, a rotation or an erasure, from any write on.

The command says what is wrong, what was committed stands and opens, nothing half is left, and once
there is room the same command does what is left. An ordinary run tries some of the writes;
CONSENT_VAULT_TEST_ALL_STORAGE_FAULTS=1 tries all.
"""

import json
import math
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from audit.check_report import Gap
from audit.completeness import check
from audit.database import open_engine
from audit.scope import EVERYONE
from audit.unit_of_work import Ledger
from policies.ids import PersonId
from service.cli.main import main
from service.effects import EVERY_ROOM
from service.key_provider import INSTALLATION
from service.runtime import utc_now
from tests.bench.importing import ATTRIBUTES, document
from tests.faults.full_disk import SPARE, WRITES
from tests.vault.erasing import rows
from tests.vault.given import EMPLOYER, GROSS, catalogue, viewed
from vault.providers.file import FileKeyProvider, KeyFolder
from vault.resealing import last_rotation
from vault.sealed_check import differing_deposits
from vault.store import tables
from vault.vault import Vault

ROOT = Path(__file__).resolve().parents[2]
TRIED = 2
"""Writes of each work in an ordinary run, spread over it."""
BEFORE = 3
"""People who are there, each with a document."""
COMING = 5
"""Documents to import; between them stands a line that is none."""
WORKS: dict[str, list[list[str]]] = {
    "import": [["import-in-pieces", "{here}/new.jsonl"]],
    "new main key": [["keys", "rotate"], ["keys", "rotate", "--finish", "--at-once"]],
    "new keys of people": [["keys", "rotate", "--person-keys"]],
    "erasure": [["erase", "{person}", "--order", "A-1", "--yes"]],
}


WHAT_STAYS = {"vault_erasure", "vault_erasure_statement"}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a whole installation."""

    here: Path

    @property
    def settings(self) -> dict[str, str]:
        return {
            "base_url": "https://vault.example.fi",
            "database_url": f"sqlite:///{self.here / 'vault.db'}",
            "data_folder": str(self.here / "keys"),
        }

    @property
    def environment(self) -> dict[str, str]:
        return {f"CONSENT_VAULT_{name.upper()}": each for name, each in self.settings.items()}

    def opened(self) -> tuple[Ledger, Vault]:
        """What a command works with, but for the catalogue, which takes longest to read."""
        provider = FileKeyProvider.open_existing(self.here / "keys")
        vault = Vault(
            provider=provider,
            index_key=bytes(32),  # nobody is looked for by an identity code here
            installation=KeyFolder(self.here / "keys").secret(INSTALLATION).hex(),
            catalogue=catalogue(),
        )
        return Ledger(open_engine(self.settings["database_url"]), provider), vault


class Disk:
    """The program under the tracer, and what its lives have written."""

    def __init__(self, process: "subprocess.Popen[bytes]", ours: socket.socket, log: Path) -> None:
        self._process = process
        self._socket = ours
        self._answers = ours.makefile("r")
        self._log = log

    def life(
        self, place: Place, commands: Sequence[Sequence[str]], left: dict[str, int] | None = None
    ) -> dict[str, Any]:
        order = {"environment": place.environment, "commands": commands, "left": left}
        self._socket.sendall(json.dumps(order).encode() + b"\n")
        line = self._answers.readline()
        assert line, "the program is gone"
        told: dict[str, Any] = json.loads(line)
        return told

    def writes(self, pid: int) -> list[str]:
        """The writes of that life, in their order."""
        lines = (line.split(maxsplit=1) for line in self._log.read_text().splitlines())
        names = (call.partition("(")[0] for of, call in lines if of == str(pid))
        return [name for name in names if name in WRITES]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    """Skipped where strace is missing or may not trace, but in CI."""
    strace = shutil.which("strace") or "strace"
    try:
        subprocess.run([strace, "-o", "/dev/null", "true"], check=True)
    except (OSError, subprocess.CalledProcessError):
        if os.environ.get("CI") == "true":
            pytest.fail("this must run here and strace is missing or may not trace")
        pytest.skip("strace is missing or may not trace: install the package strace to run this")
    log = tmp_path_factory.mktemp("strace") / "trace"
    ours, theirs = socket.socketpair()
    calls = ",".join(WRITES)
    command = [
        *(strace, "-f", "-qq", "--seccomp-bpf", "-o", str(log), "-e", f"trace={calls}"),
        *("-e", f"inject={calls}:error=ENOSPC:when={SPARE}+"),
        *(sys.executable, "-m", "tests.faults.full_disk", str(theirs.fileno())),
    ]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_VAULT_")}
    with subprocess.Popen(command, cwd=ROOT, env=clean, pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        yield Disk(process, ours, log)
        ours.shutdown(socket.SHUT_RDWR)
        ours.close()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An installation with data, and a file that is to be imported."""
    place = Place(tmp_path_factory.mktemp("start"))
    (place.here / "first.jsonl").write_text("".join(document(n) for n in range(BEFORE)))
    coming = [document(BEFORE + n) for n in range(COMING)]
    (place.here / "new.jsonl").write_text("".join([*coming[:3], "{}\n", *coming[3:]]))
    with pytest.MonkeyPatch.context() as changed:
        for name, value in place.environment.items():
            changed.setenv(name, value)
        for command in (["db", "upgrade"], ["import", str(place.here / "first.jsonl"), "--enrol"]):
            done = CliRunner().invoke(main, command)
            assert done.exit_code == 0, done.output
    return place


def points(writes: list[str]) -> Iterator[dict[str, int]]:
    """How many writes of each kind there is room for, spread over the work."""
    everything = bool(os.environ.get("CONSENT_VAULT_TEST_ALL_STORAGE_FAULTS"))
    step = 1 if everything else math.ceil(len(writes) / TRIED)
    for first in range(step // 2, len(writes), step):
        yield {name: writes[:first].count(name) for name in WRITES}


@pytest.mark.slow
@pytest.mark.parametrize("work", WORKS)
def test_a_full_disk_stops_the_work_and_leaves_nothing_half(
    disk: Disk, start: Place, tmp_path: Path, work: str
) -> None:
    ledger, _ = start.opened()
    someone = people(ledger)[0]
    ledger.engine.dispose()
    commands = [
        [word.format(here="{here}", person=someone) for word in command] for command in WORKS[work]
    ]
    undisturbed = lived(disk, start, tmp_path / "whole", commands)
    assert undisturbed["failed"] is None, undisturbed
    writes = disk.writes(undisturbed["pid"])
    assert len(writes) > 10
    assert max(writes.count(name) for name in WRITES) < SPARE
    hurt = 0
    for number, left in enumerate(points(writes)):
        folder = tmp_path / str(number)
        told = lived(disk, start, folder, commands, left)
        assert told["failed"] in {None, "told"}, told["failed"]
        if told["failed"]:
            hurt += 1
            assert "No space left on device" in told["said"][-1] or "full" in told["said"][-1]
        check_all(Place(folder), work, someone, whole=not told["failed"])
        again = lived(disk, Place(folder), folder, commands)
        assert again["failed"] is None or "the person has been erased" in again["said"][-1]
        check_all(Place(folder), work, someone, whole=True)
    assert hurt >= TRIED - 1


def lived(
    disk: Disk,
    start: Place,
    folder: Path,
    commands: Sequence[Sequence[str]],
    left: dict[str, int] | None = None,
) -> dict[str, Any]:
    """A life in that folder, which is a copy of the start unless it is there already."""
    if not folder.exists():
        shutil.copytree(start.here, folder)
    placed = [[word.replace("{here}", str(folder)) for word in each] for each in commands]
    return disk.life(Place(folder), placed, left)


def people(ledger: Ledger) -> list[PersonId]:
    with ledger.read(EVERYONE) as connection:
        query = select(tables.person.c.person_id).order_by(tables.person.c.person_id)
        return [PersonId(each) for each in connection.execute(query).scalars()]


def check_all(place: Place, work: str, someone: PersonId, *, whole: bool) -> None:
    """All that is kept opens and is what the log says; and the work is done, or not begun."""
    ledger, vault = place.opened()
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    here = people(ledger)
    for each in here:
        facts = viewed(ledger, vault, each, GROSS, EMPLOYER).facts
        assert len(facts) == 2
        with ledger.read(each) as connection:
            assert differing_deposits(connection, ledger, each) == []
    report = check(ledger, EVERY_ROOM, now=utc_now())
    assert [each for each in report.findings if each.gap is not Gap.EVENT_OVERDUE] == []
    if work == "import":
        check_import(place, ledger, whole=whole)
    elif work == "erasure":
        assert not (whole and someone in here)
        assert someone in here or set(rows(ledger, someone)) == WHAT_STAYS
    elif work == "new keys of people" and whole:
        with ledger.read() as connection:
            rotation = last_rotation(connection)
        assert rotation is not None
        assert rotation.ended_at is not None
    ledger.engine.dispose()


def check_import(place: Place, ledger: Ledger, *, whole: bool) -> None:
    of_both = select(func.sum(tables.imported.c.kept), func.sum(tables.imported.c.refused))
    deposits = select(func.count()).select_from(tables.deposit)
    versions = select(func.count()).select_from(tables.version)
    with ledger.read(EVERYONE) as connection:
        kept, refused = connection.execute(of_both).one()
        assert connection.execute(deposits).scalar_one() == kept
        assert connection.execute(versions).scalar_one() == kept * ATTRIBUTES
    if whole:
        assert (kept, refused) == (BEFORE + COMING, 1)
        report = (place.here / "new.jsonl.refused").read_text().splitlines()
        assert [json.loads(each).get("line") for each in report] == [None, 4]
