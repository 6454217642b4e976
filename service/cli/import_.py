"""`consent-vault import`: a register's documents from a file."""

import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from vault.importing import Importer, Progress


@click.command("import")
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@click.option("--enrol", is_flag=True, help="Take in people whom the vault does not know yet.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the refused lines go: number and reason, no values. FILE.refused if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="The result as JSON, and no progress bar.")
@click.option(
    "--from-export",
    "copy",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Instead of FILE: a person's signed copy (JWS) from another installation.",
)
@click.option(
    "--jwks",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="With --from-export: the keys of that installation.",
)
@click.option(
    "--person",
    metavar="FILE",
    help="With --from-export: a file with the person's identity code, - for standard input;"
    " asked for when not given.",
)
@data_option
def import_(
    file: Path | None,
    enrol: bool,
    report: Path | None,
    as_json: bool,
    copy: Path | None,
    jwks: Path | None,
    person: str | None,
    data: Path | None,
) -> None:
    """Bring in the documents of FILE, one JSON object to a line, as sources deposit them.

    Refused lines stop nothing. Killed in the middle, the same command goes on where it stood; a
    file that was changed begins anew, and what is there already is not kept twice. It works while
    the service runs.
    """
    if (file is None) == (copy is None):
        raise click.UsageError("give FILE, or --from-export with a copy")
    if copy is not None:
        from service.cli.import_export import import_export

        import_export(copy, jwks, person, enrol=enrol, as_json=as_json, data=data)
    if file is None:
        return
    from service.cli.operator import OPERATOR
    from service.deposit_signatures import remembering
    from vault.importing import Importer

    report = report or file.with_name(f"{file.name}.refused")
    with runtime_of(data) as runtime:
        importer = Importer(
            ledger=runtime.ledger,
            vault=runtime.vault,
            actor=OPERATOR,
            clock=runtime.now,
            signatures=remembering(runtime.ledger),
            enrols=enrol,
        )
        with file.open("rb") as opened:
            done = _bring_in(importer, opened, report, quiet=as_json)
    _tell(done, report, as_json=as_json)


def _bring_in(
    importer: "Importer", file: BufferedReader, report: Path, *, quiet: bool
) -> "Progress":
    progress = importer.find(file)
    if progress.ended_at is not None:
        when = f"{progress.ended_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"this very file was imported already, at {when}", err=True)
        return progress
    size = os.fstat(file.fileno()).st_size
    # What the program is made of is no garbage; to look through it again and again is an eighth of
    # the time of an import.
    gc.freeze()
    with (
        _told(report),
        _opened(report) as written,
        click.progressbar(length=size, label="importing", file=sys.stderr, hidden=quiet) as bar,
    ):
        bar.update(progress.position)
        for after in importer.run(file, written, progress):
            bar.update(after.position - progress.position)
            progress = after
    if not progress.refused:
        report.unlink()
    return progress


@contextmanager
def _opened(report: Path) -> Iterator[BufferedRandom]:
    """The report, readable by its owner only, and never by way of a link."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    descriptor = os.open(report, flags, 0o600)
    with os.fdopen(descriptor, "r+b") as opened:
        os.fchmod(descriptor, 0o600)
        yield opened


@contextmanager
def _told(report: Path) -> Iterator[None]:
    from vault.importing import ElsewhereImportedError, ReportError

    try:
        yield
    except ReportError as error:
        raise Failure(
            "Nothing was imported.",
            why=f"{report} is not the report of this import, or has lost lines",
            repair="put the report back, or name another file with --report when nothing of this"
            " file has been imported yet",
        ) from error
    except ElsewhereImportedError as error:
        raise Failure(
            "The import stopped.",
            why="another process imports the same file",
            repair="let that one end; what this one had committed is kept, and not twice",
        ) from error


def _tell(done: "Progress", report: Path, *, as_json: bool) -> None:
    if as_json:
        counts = {"lines": done.lines, "kept": done.kept, "known": done.known}
        refused = {"refused": done.refused, "report": str(report) if done.refused else None}
        click.echo(json.dumps(counts | refused))
        return
    click.echo(f"{done.lines} lines: {done.kept} kept, {done.known} known before")
    if done.refused:
        click.echo(f"{done.refused} refused: {report} has their numbers and the reasons")
