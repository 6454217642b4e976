"""The database as it stands at one moment, as a stream of bytes; and brought back from it.

Both engines' own means do it: on SQLite `VACUUM INTO`, which also leaves behind what was deleted,
on PostgreSQL `pg_dump`. Nobody has to stop meanwhile.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine

from service.backup.errors import DamagedBackupError
from vault.sealed_file import PIECE


class Snapshots(Protocol):
    """One engine's way of copying a database."""

    def describe(self) -> dict[str, str]:
        """What a restore must know: the kind of database, and its version."""
        ...

    def take(self) -> Iterator[bytes]:
        """The database at one moment. Raises BackupError."""
        ...

    def check(self, copy: Path) -> None:
        """Raises DamagedBackupError unless the copy can be restored."""
        ...


class SqliteSnapshots:
    """The database file, compact and without what was deleted."""

    def __init__(self, engine: Engine) -> None:
        self.path = Path(str(engine.url.database))

    def describe(self) -> dict[str, str]:
        return {"database": "sqlite", "server": sqlite3.sqlite_version}

    def take(self) -> Iterator[bytes]:
        # Beside the database: the copy is as secret as that, and the disk is known to have room.
        with private_folder(self.path.parent) as folder:
            copy = folder / "copy"
            with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as opened:
                opened.execute("VACUUM INTO ?", (str(copy),))
            yield from pieces_of(copy)

    def check(self, copy: Path) -> None:
        try:
            with closing(sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)) as opened:
                found = opened.execute("PRAGMA integrity_check").fetchone()[0]
                opened.execute("SELECT count(*) FROM audit_event")
        except sqlite3.DatabaseError as error:
            raise DamagedBackupError("no SQLite database with a log is in it") from error
        if found != "ok":
            raise DamagedBackupError("the database in it is damaged")


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


@contextmanager
def private_folder(place: Path) -> Iterator[Path]:
    """A folder for its owner only (0700), which is gone after the block."""
    with tempfile.TemporaryDirectory(dir=place, prefix=".backup-") as folder:
        yield Path(folder)
