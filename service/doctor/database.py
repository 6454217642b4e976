"""The doctor's look at the database: clock, revision, guards, room, and under whose keys it is."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from audit.partitions import alarms
from service.doctor.finding import Finding
from service.doctor.ledger import ledger_of
from service.keys_fit import KeysDoNotFitError, check_keys_fit
from service.migrations.guards import weak
from service.migrations.row_security import foreign, missing
from service.migrations.upgrade import current, head, knows
from service.settings import Settings

CLOCK_DIFFERENCE = timedelta(seconds=5)
"""Proofs and codes live seconds: clocks that differ by more refuse what is right."""


def check_clock(engine: Engine) -> Finding:
    """The database's clock and ours agree."""
    query = {
        "postgresql": "SELECT extract(epoch FROM clock_timestamp())",
        "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    }
    with engine.connect() as connection:
        told = float(connection.execute(text(query[engine.dialect.name])).scalar_one())
    difference = abs(datetime.now(UTC) - datetime.fromtimestamp(told, UTC))
    ok = difference <= CLOCK_DIFFERENCE
    found = f"differs from the database's by {difference.total_seconds():.1f} s"
    return Finding("clock", found, "" if ok else "let both machines follow one time server")


def check_migrations(engine: Engine) -> Finding:
    with engine.connect() as connection:
        found = current(connection)
    ok = found == head()
    told = f"revision {found or 'none'} of {head()}"
    if found is not None and not knows(found):
        return Finding("migrations", told, "install the consent-vault that upgraded the database")
    return Finding("migrations", told, "" if ok else "consent-vault db upgrade")


def check_guards(engine: Engine) -> Finding:
    """What keeps written rows as they are, and people apart, stands on every table."""
    with engine.connect() as connection:
        found = weak(connection)
        open_tables = sorted({each.table for each in missing(connection)})
        others = foreign(connection)
    faults = [f"{each.guard.name} is {each.fault}" for each in found]
    faults += [f"{each} lacks its row-level security" for each in open_tables]
    faults += [f"{table} has the policy {name}, which is none of ours" for table, name in others]
    if not faults:
        return Finding("guards", "written rows are guarded")
    told = ", ".join(faults)
    return Finding("guards", told, "consent-vault db upgrade, and ask who changed that")


def check_room(engine: Engine) -> Finding:
    """The log's partitions reach far enough, and none of its rows lies in the net (PostgreSQL)."""
    with engine.connect() as connection:
        found = alarms(connection, datetime.now(UTC))
    repair = "consent-vault db upgrade, as the owner of the tables" if found else ""
    return Finding("partitions", "; ".join(found) or "there is room", repair)


def check_keys_and_database(engine: Engine, settings: Settings) -> Finding:
    """The keys are those under which the database was written."""
    try:
        with ledger_of(engine, settings) as ledger:
            check_keys_fit(ledger)
    except KeysDoNotFitError as error:
        return Finding("keys-and-database", error.reason, error.repair)
    return Finding("keys-and-database", "the keys open what is in it")
