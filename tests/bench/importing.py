"""`python -m tests.bench.importing`: how many records an import brings in each second.

A file of documents about invented people is imported by the code of `consent-vault import`, in this
process, on SQLite and on PostgreSQL: every person is taken in, every document has its event and its
sealed records, each piece of the file one commit on the disk. A record is one value of one person.
"""

import argparse
import gc
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from audit.database import open_engine
from audit.unit_of_work import Ledger
from policies.catalogue import load_catalogue
from policies.identity_code import OID, check_character
from service.cli.operator import OPERATOR
from service.deposit_signatures import remembering
from service.migrations.upgrade import upgrade
from service.runtime import utc_now
from tests.postgres import postgresql_server
from vault.importing import Importer
from vault.providers.file import FileKeyProvider
from vault.vault import Vault

ATTRIBUTES = 5
"""Of the data set `income`: records of one document."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--records", type=int, default=100_000)
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    chosen = options.parse_args()
    documents = chosen.records // ATTRIBUTES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "income.jsonl"
        with file.open("w") as opened:
            opened.writelines(document(number) for number in range(documents))
        print(f"{documents * ATTRIBUTES} records in {documents} documents; probe {probe():.1f} ms")
        for kind, url in databases(folder, chosen.only):
            bring_in(kind, url, file, folder)
    print(f"probe {probe():.1f} ms")


def document(number: int) -> str:
    """A line about one of as many people as there are numbers."""
    facts = {
        "income.monthly_gross": 200_000 + number % 300_000,
        "income.employer": f"Esimerkkiyritys {number % 977} Oy",
        "income.last_payment_date": "2026-10-31",
        "income.benefit_monthly": number % 90_000,
        "income.yearly_total": 2_400_000 + number % 3_000_000,
    }
    members = {
        "subject": {"format": "national_id", "scheme": OID, "id": identity_code(number)},
        "dataset": "income",
        "observed_at": "2026-11-20T07:30:00Z",
        "facts": {name: {"value": value} for name, value in facts.items()},
    }
    return json.dumps(members, ensure_ascii=False) + "\n"


def identity_code(number: int) -> str:
    """An artificial one (individual number 900-999); there are a hundred for each day."""
    day, individual = divmod(number, 100)
    born = date(1910, 1, 1) + timedelta(days=day)
    digits = f"{born:%d%m%y}{900 + individual}"
    return f"{born:%d%m%y}{'-' if born.year < 2000 else 'A'}{900 + individual}" + check_character(
        digits
    )


@contextmanager
def importer(url: str, folder: Path) -> Iterator[Importer]:
    """An installation that holds nothing yet."""
    engine = open_engine(url)
    upgrade(engine)
    provider = FileKeyProvider.open_or_create(folder)
    vault = Vault(
        provider=provider,
        index_key=os.urandom(32),
        installation="bench",
        catalogue=load_catalogue(),
    )
    ledger = Ledger(engine, provider)
    yield Importer(
        ledger=ledger,
        vault=vault,
        actor=OPERATOR,
        clock=utc_now,
        signatures=remembering(ledger),
        enrols=True,
    )
    engine.dispose()


def bring_in(kind: str, url: str, file: Path, folder: Path) -> None:
    """Import the file and print how fast it was."""
    keys = folder / f"keys-{kind}"
    with (
        importer(url, keys) as at_work,
        file.open("rb") as opened,
        (folder / f"{kind}.refused").open("w+b") as report,
    ):
        gc.freeze()  # as the command does
        begun, cpu = time.perf_counter(), time.process_time()
        progress = at_work.find(opened)
        for after in at_work.run(opened, report, progress):
            progress = after
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    records = progress.kept * ATTRIBUTES
    print(
        f"{kind}: {records} records in {seconds:.1f} s: {records / seconds:.0f} records/s,"
        f" {1e6 * cpu / records:.0f} µs of our CPU a record; {progress.refused} refused",
        flush=True,
    )


def databases(folder: Path, only: str | None) -> Iterator[tuple[str, str]]:
    if only != "postgresql":
        yield "SQLite", f"sqlite:///{folder / 'vault.db'}"
    if only != "sqlite":
        with postgresql_server() as url:
            yield "PostgreSQL", url


def probe() -> float:
    """Milliseconds for a fixed piece of Python work."""
    started = time.perf_counter()
    sum(i * i % 7 for i in range(100_000))
    return 1000 * (time.perf_counter() - started)


if __name__ == "__main__":
    main()
