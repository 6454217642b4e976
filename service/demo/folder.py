"""The demo's folder: database, keys, agencies' files and the settings of the last start.

Everything that the demo makes lies here; removing the folder removes the demo.
"""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = "settings.json"
TIMESTAMP_ROOTS = "timestamp-roots.pem"
_SEEDED = "seeded"
_IN_USE = "in-use"
_OURS = frozenset({"agencies", "keys", _IN_USE, _SEEDED, SETTINGS, TIMESTAMP_ROOTS})
_OUR_DATABASE = "vault.db"


class ForeignFolderError(Exception):
    """The folder holds something that no demo made; it is left alone."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


class FolderInUseError(Exception):
    """A demo runs on this folder: a second one would write its own addresses over the first's."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """Where one demo keeps its things."""

    path: Path

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def agencies(self) -> Path:
        return self.path / "agencies"

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.path / _OUR_DATABASE}"

    def is_seeded(self) -> bool:
        """True when an earlier start has finished its seeding."""
        return (self.path / _SEEDED).exists()

    def database_named_before(self) -> str | None:
        """The database of an earlier start, None when there was none that came so far."""
        file = self.path / SETTINGS
        return json.loads(file.read_text())["database_url"] if file.exists() else None

    def prepare(self) -> None:
        """Make the folder, or go on with the one of an earlier start. Raises ForeignFolderError."""
        self._refuse_foreign()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.agencies.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Have the folder alone. Raises FolderInUseError.

        The lock is the open file's: it ends with the process, however that ends.
        """
        with (self.path / _IN_USE).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderInUseError(self.path) from error
            yield

    def finish(self) -> None:
        """Note that the seeding is complete."""
        (self.path / _SEEDED).touch()

    def remove(self) -> None:
        """Remove the demo. Raises ForeignFolderError for a folder that is not one, and
        FolderInUseError while it runs.
        """
        self._refuse_foreign()
        if self.path.exists():
            with self.hold():
                shutil.rmtree(self.path)

    def write(self, name: str, content: dict[str, Any]) -> Path:
        """Write a JSON file that only its owner may read, whole or not at all."""
        file, draft = self.path / name, self.path / f"{name}.draft"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(content, indent=2) + "\n")
        return draft.replace(file)

    def _refuse_foreign(self) -> None:
        """A demo that was killed early has some of our names and no settings yet."""
        if not self.path.exists() or (self.path / SETTINGS).exists():
            return
        names = {each.name for each in self.path.iterdir()}
        if not all(
            name in _OURS or name.startswith((_OUR_DATABASE, SETTINGS, TIMESTAMP_ROOTS))
            for name in names
        ):
            raise ForeignFolderError(self.path)
