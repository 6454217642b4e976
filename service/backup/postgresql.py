"""PostgreSQL copied by its own programs, `pg_dump` and `pg_restore`.

They are taken from the given folder, from where Debian keeps those of the server's version, or
from the PATH. The password goes to them by the environment, which other users cannot read.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from service.backup.errors import BackupError, DamagedBackupError
from vault.sealed_file import PIECE

_DEBIAN = Path("/usr/lib/postgresql")
_NAMES = {"username": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "port": "PGPORT"}


class PostgresqlSnapshots:
    """The schema that the address of the database leads to."""

    def __init__(self, engine: Engine, programs: Path | None = None) -> None:
        self._engine = engine
        self._programs = programs

    def describe(self) -> dict[str, str]:
        return {
            "database": "postgresql",
            "server": str(self._version()),
            "schema": current_schema(self._engine),
        }

    def take(self) -> Iterator[bytes]:
        schema = current_schema(self._engine)
        command = ["--format=custom", "--compress=1", "--no-owner", "--no-privileges"]
        yield from self._output("pg_dump", [*command, "--schema", schema])

    def check(self, copy: Path) -> None:
        if "audit_event" not in self.contents(copy):
            raise DamagedBackupError("the log is not among the tables in it")

    def contents(self, copy: Path) -> str:
        """What the copy holds, a line each. Raises DamagedBackupError."""
        done = self._run("pg_restore", ["--list", str(copy)])
        if done.returncode:
            raise DamagedBackupError("no copy of a PostgreSQL database is in it")
        return done.stdout.decode()

    def put(self, copy: Path) -> None:
        """Bring the tables back into the schema, which is there and empty: all or nothing.

        Raises BackupError.
        """
        listed = copy.with_suffix(".list")
        # The schema is there already, with its owner's rights.
        lines = (line for line in self.contents(copy).splitlines() if " SCHEMA - " not in line)
        listed.write_text("\n".join(lines))
        command = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
        database = f"--dbname={self._engine.url.database}"
        done = self._run("pg_restore", [*command, database, f"--use-list={listed}", str(copy)])
        if done.returncode:
            raise BackupError(
                "pg_restore did not bring the tables back",
                "run it as the owner of the database, with the programs of the server's version"
                " (--programs)",
            )

    def _output(self, program: str, arguments: Sequence[str]) -> Iterator[bytes]:
        command = [self._program(program), *arguments]
        with subprocess.Popen(  # noqa: S603  # our own arguments
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._environment()
        ) as running:
            output = cast("BinaryIO", running.stdout)
            while piece := output.read(PIECE):
                yield piece
        if running.returncode:
            raise BackupError(
                f"{program} ended with {running.returncode}",
                "run it as the owner of the tables, with the programs of the server's version"
                " (--programs)",
            )

    def _run(self, program: str, arguments: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
        command = [self._program(program), *arguments]
        return subprocess.run(  # noqa: S603  # our own arguments
            command, capture_output=True, env=self._environment(), check=False
        )

    def _program(self, name: str) -> str:
        folders = [self._programs, _DEBIAN / str(self._version()) / "bin"]
        for folder in folders:
            if folder is not None and (folder / name).exists():
                return str(folder / name)
        found = shutil.which(name)
        if found is None:
            raise BackupError(
                f"{name} is not on this machine",
                f"install the PostgreSQL client of version {self._version()}, or name its folder"
                " with --programs",
            )
        return found

    def _version(self) -> int:
        with self._engine.connect() as connection:
            number = connection.execute(text("SHOW server_version_num")).scalar_one()
        return int(number) // 10_000

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **libpq_environment(self._engine.url)}


def libpq_environment(url: URL) -> dict[str, str]:
    """An address as the environment variables of libpq (PostgreSQL manual, section 32.15)."""
    parts = {_NAMES[name]: str(value) for name in _NAMES if (value := getattr(url, name))}
    options: Mapping[str, object] = url.query
    more = {_variable(name): str(value) for name, value in options.items()}
    return {"PGDATABASE": str(url.database), **parts, **more}


def _variable(option: str) -> str:
    special = {"connect_timeout": "PGCONNECT_TIMEOUT", "application_name": "PGAPPNAME"}
    return special.get(option) or f"PG{option.upper().replace('_', '')}"


def current_schema(engine: Engine) -> str:
    """The schema in which the tables are, or would be made."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT current_schema()")).scalar_one_or_none()
    if found is None:
        raise BackupError(
            "the schema that the database's address names is not there", "create it, empty"
        )
    return str(found)
