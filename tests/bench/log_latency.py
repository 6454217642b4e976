"""How soon an event has its place under a signed checkpoint while many are written.

Writers, sequencer and observer are processes of their own, as in earnest. The observer asks for
the newest checkpoint every few milliseconds, so what it sees is what an auditor would see.
"""

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Event as Signal
from pathlib import Path
from threading import Thread

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from sqlalchemy import text

from audit.database import open_engine
from audit.log_signers import LogSigners
from audit.model import SYSTEM, Event, Kind
from audit.proofs import log_state
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger, begin
from service.migrations.upgrade import upgrade
from service.runtime import utc_now
from vault.providers.file import FileKeyProvider

SECONDS, RATE, WRITERS, THREADS = 20, 1000, 2, 4
_SPAWN = multiprocessing.get_context("spawn")
Commits = list[tuple[str, float]]


def latency(url: str, keys: Path) -> None:
    """Print how long events waited."""
    upgrade(open_engine(url))
    FileKeyProvider.open_or_create(keys)
    stop, told = _SPAWN.Event(), _SPAWN.Queue()
    sequencer = _SPAWN.Process(target=sequence, args=(url, keys, stop))
    writers = [_SPAWN.Process(target=write, args=(url, keys, told)) for _ in range(WRITERS)]
    sequencer.start()
    for each in writers:
        each.start()
    seen: list[tuple[float, int]] = []
    observer = Thread(target=observe, args=(url, keys, stop, seen))
    observer.start()
    commits = [each for _ in writers for each in told.get()]
    time.sleep(2)
    stop.set()
    for each in (*writers, sequencer):
        each.join()
    observer.join()
    _print(url, commits, seen)


def sequence(url: str, keys: Path, stop: Signal) -> None:
    """The sequencer's process."""
    signers = LogSigners(
        "bench.example/audit", [Ed25519PrivateKey.generate()], [MLDSA44PrivateKey.generate()]
    )
    running = Sequencer(_ledger(url, keys), signers)
    running.start(utc_now)
    used = time.process_time()
    stop.wait()
    running.stop()
    print(f"  the sequencer used {time.process_time() - used:.1f} s of CPU in {SECONDS} s")


def write(url: str, keys: Path, told: "multiprocessing.Queue[Commits]") -> None:
    """A writer's process: at an even pace, each event in a transaction of its own."""
    ledger = _ledger(url, keys)
    commits: Commits = []
    pace = RATE / WRITERS / THREADS

    def one() -> None:
        begun = time.time() + 1
        for count in range(int(pace * SECONDS)):
            time.sleep(max(0.0, begun + count / pace - time.time()))
            with begin(ledger, actor=SYSTEM, now=utc_now()) as uow:
                event_id = uow.record(Event(kind=Kind.SIGN_IN_BEGUN))
            commits.append((str(event_id), time.time()))

    threads = [Thread(target=one) for _ in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    told.put(commits)


def observe(url: str, keys: Path, stop: Signal, seen: list[tuple[float, int]]) -> None:
    """The size of the signed tree whenever it has grown."""
    ledger = _ledger(url, keys)
    while not stop.is_set():
        with ledger.read() as connection:
            size = log_state(connection).size
        if not seen or size > seen[-1][1]:
            seen.append((time.time(), size))
        time.sleep(0.005)


def _ledger(url: str, keys: Path) -> Ledger:
    return Ledger(open_engine(url), FileKeyProvider.open_or_create(keys))


def _print(url: str, commits: Commits, seen: Sequence[tuple[float, int]]) -> None:
    placed = 'SELECT event_id, "index" FROM audit_event JOIN audit_leaf USING (number)'
    with open_engine(url).connect() as connection:
        indexes = {str(row[0]): row[1] for row in connection.execute(text(placed))}
    waits, place = [], 0
    for index, committed in sorted((indexes[event_id], at) for event_id, at in commits):
        while seen[place][1] <= index:
            place += 1
        waits.append(1000 * (seen[place][0] - committed))
    waits.sort()
    shares = (len(waits) // 2, int(len(waits) * 0.99), -1)
    p50, p99, most = (waits[each] for each in shares)
    spent = max(at for _, at in commits) - min(at for _, at in commits)
    print(
        f"  {len(waits):,} events at {len(waits) / spent:,.0f}/s:"
        f" p50 {p50:.0f}, p99 {p99:.0f}, most {most:.0f} ms to a signed checkpoint"
    )
