"""`consent-vault audit check`: is anything missing from the log."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from audit.check_report import Report
    from audit.promise import Promise
    from service.runtime import Runtime


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Stop after about so long.")
@click.option("--from", "cursor", help="Go on where an earlier check stopped.")
@click.option(
    "--promise",
    "files",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    multiple=True,
    help="An event promise that somebody holds: has it been kept?",
)
@data_option
def check(
    *,
    as_json: bool,
    seconds: float | None,
    cursor: str | None,
    files: tuple[Path, ...],
    data: Path | None,
) -> None:
    """Hold everything that was done against the log, and the log against its tree.

    It changes nothing, and is itself recorded. The exit code is 1 when something does not fit.
    """
    from audit.check_cursor import CursorError
    from service.cli.operator import OPERATOR
    from service.completeness import check_installation

    ends = None if seconds is None else time.monotonic() + seconds

    def is_over() -> bool:
        return ends is not None and time.monotonic() >= ends

    with runtime_of(data) as runtime:
        promises = [_promise(runtime, file) for file in files]
        try:
            report = check_installation(
                runtime.ledger,
                actor=OPERATOR,
                now=runtime.now(),
                cursor=cursor,
                stop=is_over,
                promises=promises,
            )
        except CursorError as error:
            raise Failure(
                "Nothing was checked.",
                why=f"--from: {error}",
                repair="give the cursor exactly as the earlier check printed it",
            ) from error
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        _tell(report, whole=cursor is None)
    if not report.ok:
        raise click.exceptions.Exit(1)


def _promise(runtime: "Runtime", file: Path) -> "Promise":
    from audit.note import NoteError
    from audit.promise import PromiseError, from_header, open_promise
    from audit.shards import UNSHARDED

    content = file.read_bytes()
    try:
        is_note = content.startswith(b"consent-vault/")
        note = content if is_note else from_header(content.decode("ascii", "replace").strip())
        return open_promise(note, runtime.log_signers.verifiers(UNSHARDED))
    except (PromiseError, NoteError) as error:
        raise Failure(
            f"{file} is no promise of this log.",
            why=str(error),
            repair="give the value of the header Event-Promise or of the member event_promise,"
            " as it came",
        ) from error


def _tell(report: "Report", *, whole: bool) -> None:
    click.echo(f"{report.rows} rows read")
    for gap, number in report.counts.items():
        click.echo(f"{gap}: {number}")
        for each in report.findings:
            if each.gap is gap:
                click.echo(f"  {each.place}")
    if report.cursor is not None:
        click.echo(f"stopped; go on with: consent-vault audit check --from '{report.cursor}'")
    elif report.ok:
        click.echo("nothing is missing" if whole else "nothing is missing from there on")
    if not report.ok:
        click.echo("keep the database as it is, and tell the auditor (docs/operator.md)")
