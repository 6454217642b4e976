"""`consent-vault doctor`: one look at everything that has to be right, each fault with its repair.

Every check is a function from the installation to a `Finding`; one that meets what it looks for
says so and lets the others go on.
"""

import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from audit.database import open_engine
from audit.edge import Edge
from audit.key_errors import KeyProviderError
from audit.late import waiting
from audit.merkle import leaf_hash
from audit.outside_journal import JournalError
from audit.partitions import alarms
from audit.proofs import entries_bundle, log_state, tile
from audit.tiles import entry_bundles_of, split_hashes, unpack_entries
from audit.timestamping import last_timestamp
from audit.timestamping import problem as timestamp_problem
from audit.unit_of_work import Ledger
from policies.catalogue import load_catalogue
from policies.data_files import CatalogueError
from service.identity import identity_provider
from service.journal import open_journal
from service.key_provider import open_provider
from service.key_settings import Keeper
from service.keys_fit import KeysDoNotFitError, check_keys_fit
from service.log_keys import LogKeys
from service.migrations.guards import weak
from service.migrations.row_security import missing
from service.migrations.upgrade import current, head, knows
from service.package_names import ForeignPackageError, check_package_names
from service.settings import LOOPBACK, Settings, SettingsError
from service.witnessing import open_watch
from vault.providers.file import KeyFileError, KeyFolder, KeyPermissionsError

OLDEST_PYTHON = (3, 11)
CLOCK_DIFFERENCE = timedelta(seconds=5)
"""Proofs and codes live seconds: clocks that differ by more refuse what is right."""
WAITING = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    found: str
    repair: str = ""
    """What mends the fault; empty when there is none."""

    @property
    def ok(self) -> bool:
        return not self.repair


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check in the order in which a fault would matter."""
    yield from (check_python(), check_packages(), check_catalogue())
    keys = [check_keys(settings.data_folder, settings.key_provider)]
    if keys[0].ok:
        keys.append(check_key_provider(settings))
    yield from keys
    engine = open_engine(settings.database_url, pooled=settings.pooled)
    try:
        yield from _examine_database(engine, settings, with_keys=all(each.ok for each in keys))
    finally:
        engine.dispose()
    yield check_sign_in(settings)
    yield check_port(settings.base_url)


def check_python() -> Finding:
    found = f"Python {sys.version.split()[0]}, consent-vault {version('consent-vault')}"
    ok = sys.version_info >= OLDEST_PYTHON
    return Finding("python", found, "" if ok else "install Python 3.11 or newer")


def check_packages() -> Finding:
    """Our six package names are ours alone."""
    try:
        check_package_names()
    except ForeignPackageError as error:
        repair = "install consent-vault into an environment of its own (uv tool or pipx)"
        return Finding("packages", f"{error.package}: {error.found}", repair)
    return Finding("packages", "all six packages are ours")


def check_catalogue() -> Finding:
    try:
        catalogue = load_catalogue()
    except CatalogueError as error:
        return Finding("catalogue", str(error), "correct the file that it names")
    return Finding("catalogue", f"{len(catalogue.purposes)} purposes, {catalogue.digest}")


def check_keys(folder: Path, keeper: Keeper = Keeper.FILE) -> Finding:
    """The folder and every file in it are for their owner only, and hold a first key.

    Nothing is made here: a key that is missing must come from a backup, or from a first start.
    """
    try:
        return _look_at_keys(folder, keeper)
    except OSError as error:
        found = f"{error.filename}: {error.strerror}"
        return Finding("keys", found, "run this as the user of the service")


def _look_at_keys(folder: Path, keeper: Keeper) -> Finding:
    first = "kek-*.secret" if keeper is Keeper.FILE else "*.secret"
    if not folder.is_dir() or not any(folder.glob(first)):
        repair = "restore it from your backup; a new installation makes it at the first start"
        return Finding("keys", f"no key in {folder}", repair)
    for path in (folder, *sorted(folder.iterdir())):
        wanted = 0o700 if path.is_dir() else 0o600
        if stat.S_IMODE(path.stat().st_mode) & ~wanted:
            found = f"{path} is open to others"
            return Finding("keys", found, f"chmod {wanted:o} '{path}'")
    return Finding("keys", "for their owner only")


def check_key_provider(settings: Settings) -> Finding:
    """The provider of the key-encryption keys answers, and what it wraps it opens again."""
    probe, context = bytes(32), b"consent-vault/doctor/v1"
    try:
        with closing(open_provider(settings, first=False)) as provider:
            key_ids = provider.key_ids()
            opened = provider.unwrap(provider.wrap(probe, context), context)
    except (KeyPermissionsError, KeyFileError) as error:
        return Finding("key-provider", str(error), "restore the key file from your backup")
    except KeyProviderError as error:
        return Finding("key-provider", error.reason, error.repair)
    if opened != probe:
        return Finding("key-provider", f"{key_ids[-1]} opens something else", "trust no key of it")
    return Finding("key-provider", f"{key_ids[-1]} wraps, {', '.join(key_ids)} open")


def check_sign_in(settings: Settings) -> Finding:
    """The identity provider's settings can be used; whether it answers is not asked."""
    try:
        provider = identity_provider(settings)
    except SettingsError as error:
        return Finding("sign-in", str(error), "correct the setting (docs/operator.md)")
    if provider is None:
        return Finding("sign-in", "no CONSENT_VAULT_OIDC_ISSUER is set: nobody can sign in")
    return Finding("sign-in", f"at {settings.oidc_issuer}")


def check_port(base_url: str) -> Finding:
    """On loopback: whether something answers where people are sent."""
    if urlsplit(base_url).hostname not in LOOPBACK:
        return Finding("port", f"{base_url} is behind a proxy, not looked at")
    return Finding("port", f"{base_url} {'answers' if answers(base_url) else 'is free'}")


def answers(base_url: str) -> bool:
    """Whether something listens there, if it is on this machine."""
    place = urlsplit(base_url)
    if place.hostname not in LOOPBACK:
        return False
    try:
        socket.create_connection((place.hostname, place.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


def _examine_database(engine: Engine, settings: Settings, *, with_keys: bool) -> Iterator[Finding]:
    """Nothing is asked of a database that does not answer, or of tables that are not there."""
    for check in (check_clock, check_migrations, check_guards, check_room):
        try:
            finding = check(engine)
        except SQLAlchemyError as error:
            repair = "check that it runs and that CONSENT_VAULT_DATABASE_URL is right"
            yield Finding("database", f"does not answer: {type(error).__name__}", repair)
            return
        yield finding
        if not finding.ok:
            return
    if with_keys:
        yield check_keys_and_database(engine, settings)
        yield check_log(engine, settings)
        yield check_outside(engine, settings)
        yield check_journal(engine, settings)
        if settings.timestamp_authorities:
            yield check_timestamps(engine, settings)


def check_keys_and_database(engine: Engine, settings: Settings) -> Finding:
    """The keys are those under which the database was written."""
    try:
        with _ledger(engine, settings) as ledger:
            check_keys_fit(ledger)
    except KeysDoNotFitError as error:
        return Finding("keys-and-database", error.reason, error.repair)
    return Finding("keys-and-database", "the keys open what is in it")


@contextmanager
def _ledger(engine: Engine, settings: Settings) -> Iterator[Ledger]:
    with closing(open_provider(settings, first=False)) as provider:
        yield Ledger(engine, provider)


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
    if not found and not open_tables:
        return Finding("guards", "written rows are guarded")
    faults = [f"{each.guard.name} is {each.fault}" for each in found]
    faults += [f"{each} lacks its row-level security" for each in open_tables]
    told = ", ".join(faults)
    return Finding("guards", told, "consent-vault db upgrade, and ask who took them away")


def check_room(engine: Engine) -> Finding:
    """The log's partitions reach far enough, and none of its rows lies in the net (PostgreSQL)."""
    with engine.connect() as connection:
        found = alarms(connection, datetime.now(UTC))
    repair = "consent-vault db upgrade, as the owner of the tables" if found else ""
    return Finding("partitions", "; ".join(found) or "there is room", repair)


def check_outside(engine: Engine, settings: Settings) -> Finding:
    """Nobody outside knows more of the log than the database: the copy, and each witness."""
    folder = KeyFolder.open_or_create(settings.data_folder)
    signers = LogKeys.of(folder).signers(settings.log_origin)
    with _ledger(engine, settings) as ledger:
        watch = open_watch(settings, ledger, signers)
        watch.prepare()
        with ledger.read() as connection:
            refusal = watch.refusal(connection)
        watch.close()
    if refusal is not None:
        return Finding("log-outside", refusal, "docs/operator.md, Was a backup restored?")
    return Finding("log-outside", "nobody outside knows more of the log than the database")


def check_journal(engine: Engine, settings: Settings) -> Finding:
    """The journal of erasures is whole, and nothing waits to be written into it."""
    journal = open_journal(settings, KeyFolder.open_or_create(settings.data_folder))
    repair = "docs/operator.md, The journal of erasures"
    try:
        content = journal.read()
    except JournalError as error:
        return Finding("journal", str(error), repair)
    with engine.connect() as connection:
        late = waiting(connection)
    if content.faults:
        first = content.faults[0]
        told = f"{journal.path}, line {first.line}: {first.damage}; {len(content.faults)} faults"
        return Finding("journal", told, repair)
    if late:
        return Finding("journal", f"{late} entries wait to be written to {journal.path}", repair)
    return Finding("journal", f"{len(content.entries)} entries, all whole")


def check_timestamps(engine: Engine, settings: Settings) -> Finding:
    """Every authority has stamped the log when it was due."""
    with engine.connect() as connection:
        last = last_timestamp(connection)
        late = timestamp_problem(
            connection, tuple(settings.timestamp_authorities), datetime.now(UTC)
        )
    found = "none yet" if last is None else f"the last one by {last.tsa} at {last.at.isoformat()}"
    repair = "look for timestamp-failed in the service's log: it names the reason"
    return Finding("time-stamps", found, "" if late is None else repair)


def check_log(engine: Engine, settings: Settings) -> Finding:
    """The root, computed anew from every leaf, is the signed one, and nothing waits for long."""
    with _ledger(engine, settings) as ledger, ledger.read() as connection:
        state = log_state(connection)
        same = _recomputed_root(connection, state.size) == state.root
    waited = timedelta(seconds=state.waiting_seconds(datetime.now(UTC)))
    if not same:
        repair = "stop, keep the database as it is, and tell the auditor: the log was changed"
        return Finding("log", "the leaves do not give the signed root", repair)
    if waited > WAITING:
        repair = "start the service: its sequencer places what waits"
        return Finding("log", f"an event has waited {waited.total_seconds():.0f} s", repair)
    return Finding("log", f"{state.size} entries under the signed root, {state.queued} wait")


def _recomputed_root(connection: Connection, size: int) -> bytes | None:
    """The root over every leaf as it stands in the database now; None for an empty log."""
    edge = Edge()
    for name in entry_bundles_of(size):
        bundle = entries_bundle(connection, name.index, name.width)
        if bundle is not None:
            edge.append(leaf_hash(entry) for entry in unpack_entries(bundle))
            continue
        hashes = tile(connection, 0, name.index, name.width)  # of entries that are archived
        if hashes is None:
            break
        edge.append(split_hashes(hashes))
    return edge.root() if size else None
