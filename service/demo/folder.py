"""The demo's folder: database, keys, agencies' files and the settings of the last start.

Everything that the demo makes lies here; removing the folder removes the demo.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SETTINGS = "settings.json"
_SEEDED = "seeded"


class ForeignFolderError(Exception):
    """The folder holds something that no demo made; it is left alone."""

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
        return f"sqlite:///{self.path / 'vault.db'}"

    def is_seeded(self) -> bool:
        """True when an earlier start has finished its seeding."""
        return (self.path / _SEEDED).exists()

    def prepare(self) -> None:
        """Make the folder; what an interrupted first start left behind is removed.

        Raises ForeignFolderError.
        """
        if self.path.exists() and not self.is_seeded():
            self.remove()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.agencies.mkdir(mode=0o700, exist_ok=True)

    def finish(self) -> None:
        """Note that the seeding is complete."""
        (self.path / _SEEDED).touch()

    def remove(self) -> None:
        """Remove the demo. Raises ForeignFolderError for a folder that is not one."""
        if not self.path.exists():
            return
        if any(self.path.iterdir()) and not (self.path / SETTINGS).exists():
            raise ForeignFolderError(self.path)
        shutil.rmtree(self.path)

    def write(self, name: str, content: dict[str, Any]) -> Path:
        """Write a JSON file that only its owner may read."""
        file = self.path / name
        file.touch(mode=0o600)
        file.write_text(json.dumps(content, indent=2) + "\n")
        return file
