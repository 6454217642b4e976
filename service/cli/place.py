"""Which installation a command works on: a folder given with --data, the environment, or the demo.

A demo keeps its settings in its own folder, so that a second command finds a running one.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.failure import Failure

if TYPE_CHECKING:
    from service.runtime import Runtime
    from service.settings import Settings

SETTINGS_FILE = "settings.json"
DEMO_FOLDER = Path("consent-vault-demo")

data_option: Callable[[Any], Any] = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of a demo. Without it: the settings of the environment, else ./"
    f"{DEMO_FOLDER} where there is one.",
)


def settings_of(data: Path | None) -> "Settings":
    """The settings of the installation that is meant. Raises Failure."""
    from service.settings import PREFIX, SettingsError, load_settings

    folder = data or (None if f"{PREFIX}DATABASE_URL" in os.environ else _demo_here())
    try:
        return load_settings() if folder is None else load_settings({}, **read_settings(folder))
    except SettingsError as error:
        raise Failure(
            f"The setting {error.variable} cannot be used.",
            why=error.reason,
            repair="correct it in the environment (docs/operator.md lists all settings),"
            " or name the folder of a demo with --data",
        ) from error


def read_settings(folder: Path) -> dict[str, Any]:
    """What a demo wrote down about itself. Raises Failure."""
    try:
        found = json.loads((folder / SETTINGS_FILE).read_text())
    except FileNotFoundError as error:
        raise Failure(
            f"There is no installation in {folder}.",
            why=f"it has no {SETTINGS_FILE}",
            repair=f"start one with: consent-vault demo --data {folder}",
        ) from error
    except ValueError as error:
        raise Failure(
            f"The settings in {folder} cannot be read.",
            why=f"{SETTINGS_FILE} is not JSON: {error}",
            repair=f"start afresh with: consent-vault demo reset --data {folder}",
        ) from error
    if not isinstance(found, dict):
        raise RuntimeError("the demo writes an object")
    return found


@contextmanager
def runtime_of(data: Path | None) -> Iterator["Runtime"]:
    """The installation, opened for one command and closed after it. Raises Failure."""
    from service.cli.starting import told
    from service.runtime import open_runtime

    with told():
        runtime = open_runtime(settings_of(data))
        try:
            _check_revision(runtime)
            yield runtime
        finally:
            runtime.ledger.engine.dispose()


def _check_revision(runtime: "Runtime") -> None:
    from service.migrations.upgrade import current, head

    with runtime.ledger.read() as connection:
        found = current(connection)
    if found != head():
        raise Failure(
            "The database is not at the revision of this program.",
            why=f"it has {found or 'no tables'}, the program needs {head()}",
            repair="consent-vault db upgrade",
        )


def _demo_here() -> Path | None:
    return DEMO_FOLDER if (DEMO_FOLDER / SETTINGS_FILE).exists() else None
