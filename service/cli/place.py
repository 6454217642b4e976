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
    from service.cli.starting import told
    from service.settings import PREFIX, load_settings

    folder = data or (None if f"{PREFIX}DATABASE_URL" in os.environ else _demo_here())
    with told():
        # A demo reads the environment too, so an unknown setting stops it as well.
        return load_settings(**({} if folder is None else read_settings(folder)))


def read_settings(folder: Path) -> dict[str, Any]:
    """What a demo wrote down about itself. Raises Failure."""
    try:
        return dict(json.loads((folder / SETTINGS_FILE).read_text()))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Failure(
            f"There is no installation in {folder}.",
            why=f"it has no {SETTINGS_FILE}",
            repair=f"start one with: consent-vault demo --data {folder}",
        ) from error
    except (TypeError, ValueError) as error:
        raise Failure(
            f"The settings in {folder} cannot be read.",
            why=f"{SETTINGS_FILE} is no JSON object",
            repair=f"write it anew with: consent-vault demo --data {folder}",
        ) from error


@contextmanager
def runtime_of(data: Path | None) -> Iterator["Runtime"]:
    """The installation, opened for one command and closed after it. Raises Failure."""
    from service.cli.starting import told
    from service.runtime import open_runtime

    with told():
        runtime = open_runtime(settings_of(data))
        try:
            _check_revision(runtime)
            _check_keys(runtime)
            yield runtime
        finally:
            runtime.log_watch.close()
            runtime.ledger.engine.dispose()
            runtime.key_provider.close()


def _check_revision(runtime: "Runtime") -> None:
    from service.migrations.upgrade import current, head, knows

    with runtime.ledger.read() as connection:
        found = current(connection)
    if found is not None and not knows(found):
        raise newer_database(found)
    if found != head():
        raise Failure(
            "The database is not at the revision of this program.",
            why=f"it has {found or 'no tables'}, the program needs {head()}",
            repair="consent-vault db upgrade",
        )


def newer_database(revision: str) -> Failure:
    """What is told when a newer program has upgraded the database."""
    return Failure(
        "The database is newer than this program.",
        why=f"it is at revision {revision}, which this program does not know",
        repair="install the consent-vault that upgraded it, or restore a backup from before",
    )


def _check_keys(runtime: "Runtime") -> None:
    """Another folder's keys would begin a second life beside all that the database holds."""
    from service.keys_fit import KeysDoNotFitError, check_keys_fit

    try:
        check_keys_fit(runtime.ledger)
    except KeysDoNotFitError as error:
        raise Failure(
            "The keys do not open this database.",
            why=f"{error.reason} ({runtime.settings.data_folder}, key provider"
            f" {runtime.settings.key_provider})",
            repair=error.repair,
        ) from error


def _demo_here() -> Path | None:
    return DEMO_FOLDER if (DEMO_FOLDER / SETTINGS_FILE).exists() else None
