"""A restore: the database of a backup, and then all that has ended since, ended again.

The backup knows nothing of what came after it: who was erased, which consents were withdrawn,
which sessions and tokens ended, how far the log had been signed. So before anybody is served

- all sessions, access tokens and codes end,
- the journal outside the database is replayed: erasures, ends of consents, disputes, merges, and
  clients and roles that were stopped (`audit.replaying`),
- the log is held against what is known of it outside, and begun anew where entries are lost for
  good and the operator says so; else it refuses to be signed, and says why.

On SQLite all this happens in the copy before it takes the place of the database. What stood there
before is kept beside it, on both engines.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, text

from audit.durable import sync_folder
from audit.model import Actor
from audit.replaying import Replayed
from audit.rollback import begin_anew
from audit.scope import EVERYONE
from consent.reading import with_limited_uses
from policies.ids import ConsentId, PersonId
from service.backup.errors import BackupError
from service.backup.in_use import nobody_else
from service.backup.making import BackupHeader, open_backup, snapshots_of
from service.backup.postgresql import PostgresqlSnapshots, current_schema
from service.backup.snapshot import SqliteSnapshots, private_folder
from service.behind import end_all, journal_of, replay_all
from service.keys_fit import KeysDoNotFitError, check_keys_fit
from service.migrations.upgrade import knows, upgrade
from service.runtime import Clock, Runtime, open_runtime, utc_now
from service.settings import Settings
from vault.disputes_again import left_unmarked

_ENDINGS = ("-wal", "-shm", "")
_LONGEST_PART = 40
"""Of a name in PostgreSQL only 63 bytes count."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was brought back, and what was done so that nothing ended came back with it."""

    header: BackupHeader
    done: "Done"
    kept: str | None
    """Where the database is that stood there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done in the restored database before it takes its place."""

    ended: int
    """Sessions, access tokens and codes."""
    replayed: Replayed
    limited: tuple[ConsentId, ...]
    """Consents whose uses are counted: nobody knows those that came after the backup."""
    unmarked: tuple[PersonId, ...]
    """People who dispute a value that came after the backup: it is to be marked by hand."""
    refusal: str | None
    """Why the log is not signed; None when nothing of it is lost, or it was begun anew."""
    begun: str | None
    """The log that was begun anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How the operator wants it."""

    actor: Actor
    replace: bool = False
    """Put the database aside that stands there."""
    new_log: bool = False
    """Begin the log anew where entries are lost."""
    programs: Path | None = None
    """Folder of pg_restore."""
    journals: tuple[Path, ...] = ()
    """Journals of other hosts, replayed beside this one's own."""
    no_journal: bool = False
    """Go on where a journal is not there."""
    clock: Clock = utc_now


def restore(settings: Settings, path: Path, wish: Wish) -> Restored:
    """Bring the database of a backup to the place that the settings name.

    Raises BackupError, OSError and what opening an installation raises; then the database that
    stood there stands there still.
    """
    if settings.database_url.startswith("sqlite"):
        return _on_sqlite(settings, path, wish)
    return _on_postgresql(settings, path, wish)


def checked(settings: Settings, path: Path, programs: Path | None = None) -> BackupHeader:
    """Open a backup and look whether it can be restored here. Raises BackupError."""
    with _opened(settings) as runtime, private_folder(settings.data_folder) as folder:
        return _header_of(runtime, path, folder / "copy", programs)


def _on_sqlite(settings: Settings, path: Path, wish: Wish) -> Restored:
    with _opened(settings, wish.clock) as runtime:
        place = SqliteSnapshots(runtime.ledger.engine).path
    if _parts(place) and not wish.replace:
        raise _stands_there(f"a database is in {place}")
    _refuse_open(place)
    with private_folder(place.parent) as folder:
        copy = folder / place.name
        aside = settings.model_copy(update={"database_url": f"sqlite:///{copy}"})
        with _opened(aside, wish.clock) as runtime:
            header = _header_of(runtime, path, copy)
            done = _bring_up(runtime, header, wish)
            with runtime.ledger.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        _refuse_open(place)  # bringing the copy up takes its time: the service may have come up
        kept = _put_aside(place, runtime.now())
        copy.replace(place)
        sync_folder(place.parent)
    return Restored(header, done, kept)


def _parts(place: Path) -> list[str]:
    """The endings of what is there of a database, its main file last: a log beside another main
    file would be taken for that one's."""
    return [end for end in _ENDINGS if place.with_name(place.name + end).exists()]


def _refuse_open(place: Path) -> None:
    """Raises BackupError where somebody has the database open, at rest or not."""
    if not place.exists():
        return
    with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "") in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
                raise BackupError(
                    f"somebody has {place} open", "stop the service first, and commands beside it"
                ) from error
        # What cannot be read at all is what is to be replaced.


def _put_aside(place: Path, now: datetime) -> str | None:
    kept = place.with_name(f"{place.name}.before-restore-{now:%Y%m%dT%H%M%S}")
    parts = _parts(place)
    for end in parts:
        place.with_name(place.name + end).rename(kept.with_name(kept.name + end))
    sync_folder(place.parent)
    return str(kept) if parts else None


def _on_postgresql(settings: Settings, path: Path, wish: Wish) -> Restored:
    with _opened(settings, wish.clock) as runtime, private_folder(settings.data_folder) as folder:
        engine = runtime.ledger.engine
        header = _header_of(runtime, path, folder / "copy", wish.programs)
        schema = current_schema(engine)
        if header.copy.get("schema") != schema:
            raise BackupError(
                f"its tables are in the schema {header.copy.get('schema')}, and the database's"
                f" address leads to {schema}",
                "create an empty schema of that name, and name it in the address",
            )
        if _tables(engine) and not wish.replace:
            raise _stands_there(f"tables are in the schema {schema}")
        with (
            nobody_else(engine, pooled=settings.pooled),
            _in_place_of(engine, schema, runtime.now()) as kept,
        ):
            PostgresqlSnapshots(engine, wish.programs).put(folder / "copy")
            done = _bring_up(runtime, header, wish)
    return Restored(header, done, kept)


@contextmanager
def _in_place_of(engine: Engine, schema: str, now: datetime) -> Iterator[str | None]:
    """An empty schema, in the place of one with tables where there is one; as it was before when
    the block fails."""
    quote = engine.dialect.identifier_preparer.quote
    own, kept = quote(schema), f"{schema[:_LONGEST_PART]}_before_{now:%Y%m%dt%H%M%S}"
    stood = bool(_tables(engine))
    if stood:
        _run(engine, f"ALTER SCHEMA {own} RENAME TO {quote(kept)}", f"CREATE SCHEMA {own}")
    try:
        yield kept if stood else None
    except BaseException:
        engine.dispose()
        back = f"ALTER SCHEMA {quote(kept)} RENAME TO {own}" if stood else f"CREATE SCHEMA {own}"
        _run(engine, f"DROP SCHEMA {own} CASCADE", back)
        raise


def _run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for each in statements:
            connection.execute(text(each))


def _tables(engine: Engine) -> int:
    query = "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
    with engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


def _header_of(
    runtime: Runtime, path: Path, copy: Path, programs: Path | None = None
) -> BackupHeader:
    """Unseal the copy and look whether it can be restored here. Raises BackupError."""
    header = open_backup(runtime, path, copy)
    kind = runtime.ledger.engine.dialect.name
    if header.copy["database"] != kind:
        raise BackupError(
            f"it holds a {header.copy['database']} database, and the settings name {kind}",
            "set CONSENT_VAULT_DATABASE_URL to a database of that kind",
        )
    if not knows(header.revision):
        raise BackupError(
            f"it is at revision {header.revision}, which this program does not know",
            f"install consent-vault {header.program} or a newer one",
        )
    snapshots_of(runtime, programs).check(copy)
    return header


def _stands_there(what: str) -> BackupError:
    return BackupError(what, "give --replace to put it aside; it is kept")


def _bring_up(runtime: Runtime, header: BackupHeader, wish: Wish) -> Done:
    """Bring the restored database up to what is known outside it."""
    upgrade(runtime.ledger.engine)
    try:
        check_keys_fit(runtime.ledger)
    except KeysDoNotFitError as error:
        raise BackupError(
            "its content does not open with the keys of this installation",
            "restore the key folder that belongs to it, or a newer backup",
        ) from error
    ended = end_all(runtime, reference=str(header.backup), actor=wish.actor)
    replayed = _replayed(runtime, wish)
    with runtime.ledger.read(EVERYONE) as connection:
        limited = with_limited_uses(connection)
        unmarked = left_unmarked(connection, replayed.left, since=header.made_at)
    refusal, begun = _log(runtime, wish)
    return Done(
        ended=ended,
        replayed=replayed,
        limited=tuple(limited),
        unmarked=tuple(unmarked),
        refusal=refusal,
        begun=begun,
    )


def _replayed(runtime: Runtime, wish: Wish) -> Replayed:
    """All journals in one: those of other hosts come by name. Raises BackupError."""
    own = journal_of(runtime)
    journals = [own, *(own.beside(path) for path in wish.journals)]
    missing = [each.path for each in journals if not each.path.exists()]
    if missing and not wish.no_journal:
        raise BackupError(
            f"the journal {missing[0]} is not there",
            "bring it to its place, or name another with --journal; --no-journal only if nobody was"
            " erased and nothing withdrawn since the backup",
        )
    return replay_all(runtime, journals, actor=wish.actor)


def _log(runtime: Runtime, wish: Wish) -> tuple[str | None, str | None]:
    """Why the log cannot go on, and the log that was begun anew instead."""
    watch = runtime.log_watch
    watch.prepare()
    with runtime.ledger.read() as connection:
        refusal = watch.refusal(connection)
    if refusal is None or not wish.new_log:
        return refusal, None
    known = watch.guard.known_outside()
    return None, begin_anew(runtime.ledger, known, actor=wish.actor, now=runtime.now())


@contextmanager
def _opened(settings: Settings, clock: Clock = utc_now) -> Iterator[Runtime]:
    runtime = open_runtime(settings, clock=clock)
    try:
        yield runtime
    finally:
        runtime.close()
