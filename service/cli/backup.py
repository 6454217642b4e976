"""`consent-vault backup` and `consent-vault restore`: the database out of the house, and back."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of, settings_of

if TYPE_CHECKING:
    from datetime import datetime

    from audit.replaying import Replayed
    from service.backup.restoring import Done, Restored

_programs: Callable[[Any], Any] = click.option(
    "--programs",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of pg_dump and pg_restore, of the server's version.",
)
_json: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Say it for a program."
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_programs
@_json
@data_option
def backup(file: Path, programs: Path | None, as_json: bool, data: Path | None) -> None:
    """Write the whole database to FILE, sealed, and read it again before it counts.

    Nobody has to stop meanwhile. The keys are not in it: keep the key folder, or what your key
    provider needs, in another place. A backup can be read for as long as the key-encryption key
    exists under which it was made (consent-vault keys status).
    """
    from service.backup.making import make_backup, snapshots_of
    from service.cli.operator import OPERATOR

    with runtime_of(data) as runtime, _told("No backup was made."):
        made = make_backup(runtime, file, snapshots_of(runtime, programs), actor=OPERATOR)
    if as_json:
        shown = {"backup": str(made.backup), "bytes": made.size, "sha256": made.digest}
        click.echo(json.dumps(shown))
        return
    click.echo(f"wrote {file}: backup {made.backup}, {made.size:,} bytes, read again and whole")
    click.echo(f"SHA-256 {made.digest}, which stands in the log too")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--check", is_flag=True, help="Only open it and look whether it can be restored.")
@click.option("--replace", is_flag=True, help="Put the database aside that is there; it is kept.")
@click.option("--new-log", is_flag=True, help="Begin the log anew where entries are lost for good.")
@click.option(
    "--journal",
    "journals",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Journal of erasures of another host; this one's own is always read.",
)
@click.option("--no-journal", is_flag=True, help="Go on where the journal is not there.")
@_programs
@_json
@data_option
def restore(
    file: Path,
    check: bool,
    replace: bool,
    new_log: bool,
    journals: tuple[Path, ...],
    no_journal: bool,
    programs: Path | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Bring the database back from FILE, and end again what has ended since.

    Stop the service first. Sessions and tokens end, people who were erased are erased again, ended
    consents end again (from the journal outside the database), and the log is held against what
    is known of it outside.
    """
    from service.backup.restoring import Wish, checked
    from service.backup.restoring import restore as bring_back
    from service.cli.operator import OPERATOR
    from service.cli.starting import replay_told, told

    settings = settings_of(data)
    what = "Nothing was restored."
    with told(), _told(what), replay_told(what):
        if check:
            header = checked(settings, file, programs)
            click.echo(f"backup {header.backup} of {header.made_at:%Y-%m-%d %H:%M:%S} UTC is whole")
            return
        _refuse_running(settings.base_url)
        wish = Wish(
            actor=OPERATOR,
            replace=replace,
            new_log=new_log,
            journals=journals,
            no_journal=no_journal,
            programs=programs,
        )
        restored = bring_back(settings, file, wish)
    click.echo(json.dumps(_shown(restored)) if as_json else "\n".join(_lines(restored)))
    if restored.done.refusal is not None or restored.done.replayed.faults:
        raise click.exceptions.Exit(3)


def _refuse_running(base_url: str) -> None:
    from service.doctor.place import answers

    if answers(base_url):
        raise Failure(
            "Nothing was restored.",
            why=f"something answers at {base_url}: the service may be running",
            repair="stop it first; what it wrote meanwhile would be lost",
        )


@contextmanager
def _told(what: str) -> Iterator[None]:
    from audit.rollback import ForkedError
    from service.backup.errors import BackupError

    try:
        yield
    except BackupError as error:
        raise Failure(what, why=error.reason, repair=error.repair) from error
    except ForkedError as error:
        raise Failure(
            what,
            why="two different trees of one size are known outside, both signed by this log",
            repair="keep everything as it is and call the auditor: this proves two histories",
        ) from error


def _shown(restored: "Restored") -> dict[str, Any]:
    from service.behind import counted

    done = restored.done
    return {
        "backup": str(restored.header.backup),
        "made_at": restored.header.made_at.isoformat(),
        "ended": done.ended,
        **counted(done.replayed),
        "consents_with_unknown_uses": [str(each) for each in done.limited],
        "people_with_unmarked_disputes": [str(each) for each in done.unmarked],
        "journal_faults": len(done.replayed.faults),
        "log_refused": done.refusal,
        "log_begun": done.begun,
        "kept": restored.kept,
    }


def _lines(restored: "Restored") -> Iterator[str]:
    header, done = restored.header, restored.done
    yield f"restored backup {header.backup} of {header.made_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{done.ended} sessions, tokens and codes were ended"
    yield from _again(done.replayed)
    yield from _unknown(done, header.made_at)
    for fault in done.replayed.faults:
        yield f"the journal is damaged at line {fault.line}: {fault.damage} (docs/operator.md)"
    if restored.kept:
        yield f"what was there before is kept: {restored.kept}"
    if done.begun:
        yield f"the log goes on as {done.begun} (consent-vault audit vkeys)"
    if done.refusal:
        yield f"the log is not signed: {done.refusal}"
    if header.copy["database"] == "postgresql":
        yield "give the service its rights again: consent-vault db role NAME"


def _again(replayed: "Replayed") -> Iterator[str]:
    """What the journal has told, and what is to be done about it."""
    from audit.journal_line import Told
    from service.behind import counted

    numbers = counted(replayed).items()
    done = [f"{number} {name.replace('_', ' ')}" for name, number in numbers if number]
    yield f"of what the journal tells: {', '.join(done) or 'nothing was forgotten'}"
    if replayed.count(Told.CLIENT_KEYS_REPLACED):
        yield (
            "clients whose keys were replaced since are stopped until they are given them again:"
            " consent-vault client list, consent-vault client keys"
        )


def _unknown(done: "Done", since: "datetime") -> Iterator[str]:
    """What nobody can know of the time since the backup."""
    if done.limited:
        yield (
            f"{len(done.limited)} consents have a limited number of uses, and those since"
            f" {since:%Y-%m-%d %H:%M:%S} UTC are not known (--json names the consents)"
        )
    if done.unmarked:
        yield (
            f"{len(done.unmarked)} people dispute a value that is not in this copy: when its source"
            " sends it again it bears no mark (--json names them)"
        )
