"""`python -m tests.bench.vault`: what the vault costs, beside its floors in the same run.

- envelope: to seal and open, beside AES-256-GCM with the same bytes, and beside what the
  construction itself asks of the same library
- release: three records opened on a permit, beside the database's own work for them
- growth: the same among 10^3 to 10^5 people (10^6 with --large), on both databases, and the memory
  of the process that does it

All in one run on one machine: ratios count.
"""

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from audit.database import open_engine
from audit.model import SYSTEM
from audit.scope import turn_to
from audit.unit_of_work import Ledger, UnitOfWork, begin
from policies.ids import DatasetId, PersonId, RecordId
from service.migrations.upgrade import upgrade
from tests.bench.vault_people import ATTRIBUTES, NOW, add_people
from tests.postgres import postgresql_server, schema_of_its_own
from tests.vault.given import fact, new_vault, permit
from tests.wrapping import MemoryWrapper
from vault.envelope import Place, seal, unseal
from vault.release import release
from vault.store import records
from vault.vault import Vault

ROUNDS, EACH = 9, 2_000
SIZES = (1_000, 10_000, 100_000)
FACTS = (
    fact(ATTRIBUTES[0], 315_050),
    fact(ATTRIBUTES[1], "Esimerkki Oy"),
    fact(ATTRIBUTES[2], "2026-10-30"),
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("what", nargs="*", choices=["envelope", "growth", []], default=[])
    options.add_argument("--large", action="store_true", help="growth: also a million people")
    chosen = options.parse_args()
    what = chosen.what or ["envelope", "growth"]
    if "envelope" in what:
        envelope()
    if "growth" in what:
        growth((*SIZES, 1_000_000) if chosen.large else SIZES)


def envelope() -> None:
    """Microseconds to seal and to open, of each size the median of several rounds."""
    print("envelope, µs                     seal     open")
    for size in (100, 1_000, 16_000, 128_000):
        envelope_of(size)


def envelope_of(size: int) -> None:
    key, nonce, plain = os.urandom(32), os.urandom(12), os.urandom(size)
    place = Place(
        installation="bench",
        person=PersonId(UUID(int=1)),
        dataset=DatasetId("income"),
        record=RecordId(UUID(int=2)),
        version=1,
        field="income.monthly_gross",
        key_version=1,
        content_type="application/json",
    )
    context = place.context()
    sealed, closed = seal(key, place, plain), AESGCM(key).encrypt(nonce, plain, context)
    derived = cost(lambda: HKDFExpand(SHA512(), 76, context).derive(key))
    sealing = cost(lambda: AESGCM(key).encrypt(nonce, plain, context))
    opening = cost(lambda: AESGCM(key).decrypt(nonce, closed, context))
    both = cost(lambda: seal(key, place, plain)), cost(lambda: unseal(key, place, sealed))
    print(f"  {size:>8,} bytes, ours       {both[0]:8.2f} {both[1]:8.2f}")
    print(f"           bare AES-256-GCM    {sealing:8.2f} {opening:8.2f}")
    print(f"           with one derivation {sealing + derived:8.2f} {opening + derived:8.2f}")


def cost(work: Callable[[], object]) -> float:
    """Microseconds of CPU."""
    work()
    taken = []
    for _ in range(ROUNDS):
        used = time.process_time()
        for _ in range(EACH // 10):
            work()
        taken.append(1e7 * (time.process_time() - used) / EACH)
    return statistics.median(taken)


def growth(sizes: tuple[int, ...]) -> None:
    """Releases among ever more people."""
    with tempfile.TemporaryDirectory() as folder:
        print("SQLite")
        among(f"sqlite:///{Path(folder) / 'vault.db'}", sizes)
    with postgresql_server() as server, schema_of_its_own(server) as url:
        print("PostgreSQL")
        among(url, sizes)


def among(url: str, sizes: tuple[int, ...]) -> None:
    with opened(url) as (ledger, vault):
        there = 0
        for size in sizes:
            begun = time.perf_counter()
            people = add_people(ledger, vault, size - there, FACTS)
            made, there = time.perf_counter() - begun, size
            released, read = releases(ledger, vault, people)
            print(
                f"  {size:>9,} people (made in {made:.0f} s): 3 records released in"
                f" {released + read:.3f} ms CPU, of it the database's own work {read:.3f},"
                f" the rest {released:.3f}; memory {memory():.0f} MB",
                flush=True,
            )


def releases(ledger: Ledger, vault: Vault, people: list[PersonId]) -> tuple[float, float]:
    """Milliseconds of CPU: what a release costs beyond reading its rows, and reading them."""
    whole, read = [], []
    for _ in range(ROUNDS):
        with begin(ledger, actor=SYSTEM, now=NOW) as uow:
            permits = [permit(uow, person, ATTRIBUTES) for person in people]
            used = time.process_time()
            for each in permits:
                release(uow, vault, each)
            whole.append(time.process_time() - used)
            used = time.process_time()
            for person in people:
                read_rows(uow, person)
            read.append(time.process_time() - used)
    per = 1000 / len(people)
    beyond = [per * (one - other) for one, other in zip(whole, read, strict=True)]
    return statistics.median(beyond), statistics.median(read) * per


def read_rows(uow: UnitOfWork, person: PersonId) -> None:
    turn_to(uow.connection, person)
    assert len(records.current_records(uow.connection, person, ATTRIBUTES)) == len(ATTRIBUTES)


def memory() -> float:
    """What the process holds now, in MB (proc(5), statm)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@contextmanager
def opened(url: str) -> Iterator[tuple[Ledger, Vault]]:
    engine = open_engine(url)
    upgrade(engine)
    yield Ledger(engine, MemoryWrapper()), new_vault()
    engine.dispose()


if __name__ == "__main__":
    main()
