"""`consent-vault keys`: the keys of this installation, by name and never by value."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.failure import Failure
from service.cli.keys_rotate import rotate
from service.cli.place import data_option, runtime_of, settings_of

if TYPE_CHECKING:
    from service.key_state import KeyState
    from vault.key_ring import Generation


@click.group()
def keys() -> None:
    """Look after the keys."""


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@data_option
def status(as_json: bool, data: Path | None) -> None:
    """Show which keys there are, what needs them, and how far a rotation has come.

    It counts every key of people and of the log. No key is ever shown.
    """
    from service.key_state import key_state

    files = _key_files(settings_of(data).data_folder)
    with runtime_of(data) as runtime:
        state = key_state(runtime)
    if as_json:
        click.echo(json.dumps({**state.as_json(), "files": files}))
        return
    _show(state)
    for file in files:
        click.echo(f"{file['made']}  {file['mode']}  {file['path']}")


def _key_files(folder: Path) -> list[dict[str, str]]:
    """The files of the key folder with their age and permissions. Raises Failure."""
    from datetime import UTC, datetime

    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise Failure(
            f"There are no keys in {folder}.",
            why="the setting names another folder, or the service has never been started",
            repair="set CONSENT_VAULT_DATA_FOLDER to the right one, or restore it from backup",
        )
    return [
        {
            "path": str(path),
            "mode": f"{found.st_mode & 0o777:04o}",
            "made": datetime.fromtimestamp(found.st_mtime, UTC).date().isoformat(),
        }
        for path in files
        for found in [path.stat()]
    ]


def _show(state: "KeyState") -> None:
    for each in state.generations:
        what = f"{each.person_keys} keys of people, {each.log_keys} of the log"
        click.echo(f"{each.key_id}  {_what_happened(each)}  {what}")
    wrapped = state.rewrapping
    if wrapped.done < wrapped.total:
        click.echo(f"wrapped under the newest: {wrapped.done} of {wrapped.total} keys")
    if state.rotation is not None and state.resealing is not None:
        people = f"{state.resealing.done} of {state.resealing.total} people"
        ended = state.rotation.ended_at
        told = "under way" if ended is None else f"ended {ended.date().isoformat()}"
        click.echo(f"rotation {state.rotation.number} of people's keys: {told}, {people}")


def _what_happened(generation: "Generation") -> str:
    epoch = generation.epoch
    if epoch.destroyed_at is not None:
        return f"destroyed {epoch.destroyed_at.date().isoformat()}"
    if not generation.in_provider:
        return "not here"
    if not generation.wraps:
        return "opens only"
    if epoch.begun_at is None:
        return "wraps"
    return f"wraps since {epoch.begun_at.date().isoformat()}"


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


keys.add_command(rotate)
