"""`python -m tests.bench.log`: what the log costs on PostgreSQL, and how soon an event has a place.

- capacity: how many leaves a second the sequencer places, beside the database alone and the
  hashing alone
- latency: from commit to a signed checkpoint, while 1,000 events a second are written
- growth: a batch and a proof in logs of 10^4 to 10^6 leaves (10^7 with --large)
- effect: a change with its event over eight connections, beside the raw database
- http: proofs from the real server out of a log of a million leaves

All in one run on one machine: ratios count.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from sqlalchemy import text

from audit.batch import BATCH
from audit.database import open_engine
from audit.disclosure import leaf
from audit.edge import Edge
from audit.log_signers import LogSigners
from audit.merkle import leaf_hash
from audit.proofs import inclusion, log_state
from audit.sequencer import Sequencer
from audit.unit_of_work import Ledger
from policies.ids import EventId
from service.migrations.upgrade import upgrade
from tests.bench.log_effect import effect
from tests.bench.log_http import http
from tests.bench.log_latency import latency
from tests.bench.log_tree import analyse, grow, wait_in_queue
from tests.postgres import postgresql_server, schema_of_its_own
from tests.wrapping import MemoryWrapper

WAITING = 100_000
SIZES = (10_000, 100_000, 1_000_000)
PROOFS = 300


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="*", choices=[*MEASURED, []], default=[*MEASURED])
    options.add_argument("--large", action="store_true", help="growth: also ten million leaves")
    chosen = options.parse_args()
    with postgresql_server() as server:
        for what in chosen.what:
            print(f"{what}", flush=True)
            MEASURED[what](server, large=chosen.large)


def capacity(server: str, *, large: bool) -> None:
    """A full queue, drained."""
    del large
    with log_on(server) as (ledger, sequencer):
        wait_in_queue(ledger, WAITING, now())
        analyse(ledger)
        begun, used = time.perf_counter(), time.process_time()
        while sequencer.run_once(now()) is not None:
            pass
        seconds, cpu = time.perf_counter() - begun, time.process_time() - used
        show("the sequencer", WAITING / seconds, f"leaves/s, {1e6 * cpu / WAITING:.1f} µs CPU each")
        show("  rows alone (floor)", WAITING / rows_alone(ledger), "rows/s")
    begun = time.perf_counter()
    edge = Edge()
    edge.append(leaf_hash(leaf(each.to_bytes(32, "big"))) for each in range(WAITING))
    show("  hashing alone (floor)", WAITING / (time.perf_counter() - begun), "leaves/s")


def rows_alone(ledger: Ledger) -> float:
    """The same rows moved in the same batches by the database, with nothing hashed or signed."""
    with ledger.engine.begin() as connection:
        connection.execute(text("CREATE TABLE floor AS SELECT * FROM audit_leaf LIMIT 0"))
        connection.execute(text('CREATE UNIQUE INDEX ON floor (log, "index")'))
        connection.execute(text("CREATE UNIQUE INDEX ON floor (number)"))
    begun = time.perf_counter()
    for start in range(0, WAITING, BATCH):
        with ledger.engine.begin() as connection:
            connection.execute(
                text(
                    'INSERT INTO floor SELECT log, "index", number, leaf_hash FROM audit_leaf'
                    f' WHERE "index" >= {start} AND "index" < {start + BATCH}'
                )
            )
    return time.perf_counter() - begun


def growth(server: str, *, large: bool) -> None:
    """The same work in logs of rising size."""
    with log_on(server) as (ledger, sequencer):
        for size in (*SIZES, 10_000_000) if large else SIZES:
            begun = time.perf_counter()
            grow(ledger, SIGNERS, size, now(), every=10 if size > SIZES[-1] else 1)
            analyse(ledger)
            made = time.perf_counter() - begun
            batch = middle([batch_of(ledger, sequencer, 1000) for _ in range(7)])
            proofs = sorted(proof_times(ledger))
            state = middle([timed(lambda: state_of(ledger)) for _ in range(20)])
            print(
                f"  {size:>10,} leaves (made in {made:.0f} s): a batch of 1,000 {batch:.1f} ms,"
                f" a proof p50 {proofs[len(proofs) // 2]:.2f} p99 {proofs[-len(proofs) // 100]:.2f}"
                f" ms, the state {state:.2f} ms",
                flush=True,
            )


def batch_of(ledger: Ledger, sequencer: Sequencer, count: int) -> float:
    wait_in_queue(ledger, count, now())
    return timed(lambda: sequencer.run_once(now()))


def proof_times(ledger: Ledger) -> Iterator[float]:
    with ledger.read() as connection:
        rows = connection.execute(
            text("SELECT event_id FROM audit_event TABLESAMPLE SYSTEM (1) LIMIT 30000")
        )
        ids = [EventId(row.event_id) for row in rows]
    for event_id in ids[:: max(1, len(ids) // PROOFS)][:PROOFS]:
        yield timed(lambda: proof_of(ledger, event_id))  # noqa: B023  # called at once


def proof_of(ledger: Ledger, event_id: EventId) -> None:
    with ledger.read() as connection:
        assert inclusion(connection, ledger, event_id) is not None


def state_of(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert log_state(connection).size


@contextmanager
def log_on(server: str) -> Iterator[tuple[Ledger, Sequencer]]:
    """An empty log with all tables, and its sequencer."""
    with schema_of_its_own(server) as url:
        engine = open_engine(url)
        upgrade(engine)
        ledger = Ledger(engine, MemoryWrapper())
        yield ledger, Sequencer(ledger, SIGNERS)
        engine.dispose()


def in_latency(server: str, *, large: bool) -> None:
    del large
    with schema_of_its_own(server) as url, tempfile.TemporaryDirectory() as folder:
        latency(url, Path(folder) / "keys")


def with_effect(server: str, *, large: bool) -> None:
    del large
    with schema_of_its_own(server) as url, tempfile.TemporaryDirectory() as folder:
        effect(url, Path(folder) / "keys")


def over_http(server: str, *, large: bool) -> None:
    del large
    with schema_of_its_own(server) as url, tempfile.TemporaryDirectory() as folder:
        http(url, Path(folder))


def now() -> datetime:
    return datetime.now(UTC)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def show(what: str, rate: float, unit: str) -> None:
    print(f"  {what:<26}{rate:>12,.0f} {unit}", flush=True)


SIGNERS = LogSigners(
    "bench.example/audit", [Ed25519PrivateKey.generate()], [MLDSA44PrivateKey.generate()]
)
MEASURED: dict[str, Callable[..., None]] = {
    "capacity": capacity,
    "latency": in_latency,
    "growth": growth,
    "effect": with_effect,
    "http": over_http,
}

if __name__ == "__main__":
    main()
