"""A copy of a database as it stands, made and brought back by the database's own means."""

import shutil
import subprocess
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from tests.postgres import programs_of


class DatabaseBackup:
    """Taken once, brought back as often as wanted."""

    def __init__(self, engine: Engine, folder: Path, name: str = "backup") -> None:
        self._url = make_url(engine.url)
        self.engine = engine
        self._file = folder / name

    def take(self) -> None:
        if self.engine.dialect.name == "sqlite":
            connection = self.engine.raw_connection()
            connection.execute("VACUUM INTO ?", (str(self._file),))
            connection.close()
        else:
            self._run("pg_dump", "--schema", self._schema, "--file", str(self._file))

    def restore(self) -> None:
        """The database as it was when the backup was taken."""
        self.engine.dispose()
        if self.engine.dialect.name == "sqlite":
            path = Path(str(self._url.database))
            for ending in ("-wal", "-shm"):
                path.with_name(path.name + ending).unlink(missing_ok=True)
            shutil.copy(self._file, path)
        else:
            self._run("psql", "--quiet", "--command", f"DROP SCHEMA {self._schema} CASCADE")
            self._run("psql", "--quiet", "-v", "ON_ERROR_STOP=1", "--file", str(self._file))

    @property
    def _schema(self) -> str:
        return str(self._url.query["options"]).partition("search_path=")[2]

    def _run(self, program: str, *arguments: str) -> None:
        plain = self._url.set(
            drivername="postgresql",
            query={name: value for name, value in self._url.query.items() if name != "options"},
        )
        command = [
            str(programs_of(self.engine) / program),
            *arguments,
            plain.render_as_string(hide_password=False),
        ]
        subprocess.run(command, check=True, capture_output=True)  # our own arguments
