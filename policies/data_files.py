"""Reading the data files: TOML, checked against the schema beside them, faults with a place."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from policies.schemas import SchemaError, conforming

DATA: Traversable = files("policies") / "data"


class CatalogueError(ValueError):
    """A data file is wrong; names file, entry and member, the last two empty for the whole."""

    def __init__(self, file: str, entry: str, member: str, reason: str) -> None:
        super().__init__(": ".join(part for part in (file, entry, member, reason) if part))
        self.file = file
        self.entry = entry
        self.member = member
        self.reason = reason


@contextmanager
def faults_of(file: str, *entry: str) -> Iterator[None]:
    """Faults inside are faults of this file and entry; without one, the place begins with it."""
    try:
        yield
    except SchemaError as error:
        place = (*entry, *error.place, "")
        raise CatalogueError(file, place[0], ".".join(place[1:-1]), error.reason) from error


def read_table(folder: Traversable, file: str, schema: str) -> dict[str, Any]:
    """A file that holds many entries by their ids."""
    data = _read(folder, file)
    with faults_of(file):
        table: dict[str, Any] = conforming(data, schema)
    return table


def read_entries(folder: Traversable, name: str, schema: str) -> dict[str, Any]:
    """A folder of files with one entry each, by id; the file's name is the id."""
    entries = {}
    for file in _files(folder, name):
        data = _read(folder, file)
        id_ = file.removeprefix(f"{name}/").removesuffix(".toml")
        with faults_of(file, id_):
            entries[id_] = conforming(data, schema)
            if data["id"] != id_:
                raise SchemaError(("id",), "is not the name of the file")
    return entries


def _files(folder: Traversable, name: str) -> list[str]:
    """Names of the files, in order; what is not TOML would be left out unnoticed, so it stops."""
    entries = folder.joinpath(name)
    if not entries.is_dir():
        raise CatalogueError(name, "", "", "is not there")
    found = sorted(f"{name}/{each.name}" for each in entries.iterdir())
    for file in found:
        if not file.endswith(".toml"):
            raise CatalogueError(file, "", "", "is not a .toml file")
    return found


def _read(folder: Traversable, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(folder.joinpath(*file.split("/")).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CatalogueError(file, "", "", "is not there") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(file, "", "", f"is not TOML: {error}") from error
