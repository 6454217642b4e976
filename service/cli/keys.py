"""`consent-vault keys`: the keys of this installation, by name and never by value."""

from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of, settings_of


@click.group()
def keys() -> None:
    """Look after the keys."""


@keys.command()
@data_option
def status(data: Path | None) -> None:
    """Show the key files with their age and permissions."""
    from datetime import UTC, datetime

    folder = settings_of(data).data_folder
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise Failure(
            f"There are no keys in {folder}.",
            why="the setting names another folder, or the service has never been started",
            repair="set CONSENT_VAULT_DATA_FOLDER to the right one, or restore it from backup",
        )
    for path in files:
        found = path.stat()
        made = datetime.fromtimestamp(found.st_mtime, UTC).date().isoformat()
        click.echo(f"{made}  {found.st_mode & 0o777:04o}  {path}")


@keys.command("rotate-log")
@click.option("--finish", is_flag=True, help="Second step: the old keys sign no more.")
@data_option
def rotate_log(finish: bool, data: Path | None) -> None:
    """Change the keys that sign the log, in two steps.

    The first step adds new keys, and all of them sign. Give everybody who verifies the log the
    new public keys (consent-vault audit vkeys), then run it again with --finish. Restart the
    service after each step.
    """
    from service.cli.operator import OPERATOR
    from service.log_keys import LogKeys, NoRotationUnderWayError, RotationUnderWayError
    from vault.providers.file import KeyFolder

    with runtime_of(data) as runtime:
        log_keys = LogKeys.of(KeyFolder.open_or_create(runtime.settings.data_folder))
        step = log_keys.end_rotation if finish else log_keys.begin_rotation
        try:
            step(runtime.ledger, actor=OPERATOR, now=runtime.now())
        except RotationUnderWayError as error:
            raise Failure(
                "No key was added.",
                why="new keys were added before, and the old ones sign still",
                repair="end that change first: consent-vault keys rotate-log --finish",
            ) from error
        except NoRotationUnderWayError as error:
            raise Failure(
                "No key was retired.",
                why="there is one key of each kind",
                repair="begin a change with: consent-vault keys rotate-log",
            ) from error
    click.echo("the old keys are retired" if finish else "new keys were added beside the old ones")
    click.echo("restart the service, then see: consent-vault audit vkeys")
