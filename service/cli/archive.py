"""`consent-vault audit archive`: the oldest part of the log as plain files."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from audit.archive import Part
    from service.runtime import Runtime


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--before",
    required=True,
    metavar="DATE|LOG:INDEX",
    help="A day (UTC), for all logs; or the first index to leave, like 2026h2:4194304.",
)
@click.option(
    "--detach",
    is_flag=True,
    help="On PostgreSQL, take what is in the archive out of the tables. See docs/operator.md.",
)
@data_option
def archive(folder: Path, before: str, detach: bool, data: Path | None) -> None:
    """Write the log's oldest entries and events to FOLDER, and read them back to be sure.

    Whole tiles only. Nothing leaves the database without --detach, and nothing is ever dropped:
    that is for you to do when the archive is safe.
    """
    from audit.archive import ArchiveError

    with runtime_of(data) as runtime:
        on_sqlite = runtime.ledger.engine.dialect.name == "sqlite"
        if detach and on_sqlite:
            raise Failure(
                "Nothing was archived.",
                why="SQLite has no partitions that could be taken out",
                repair="leave --detach away: the copy is written all the same",
            )
        try:
            with runtime.ledger.read() as connection:
                parts = list(_parts(connection, before))
            for part in parts:
                _archive(runtime, part, folder, detach=detach)
            if not parts:
                click.echo("nothing of the log is as old as that: no whole tile was signed before")
        except ArchiveError as error:
            raise Failure(
                "The archive was not written whole.",
                why=str(error),
                repair="nothing left the database; clear the reason and run the command again",
            ) from error
        if on_sqlite:
            click.echo("this is a copy: an SQLite database keeps all that it holds")


def _parts(connection: "Connection", before: str) -> "Iterable[Part]":
    from audit.archive import part_before, parts_before

    log, _, index = before.partition(":")
    if index.isdecimal() and len(index) < 19:
        return [part_before(connection, log, int(index))]
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", before):
        raise click.BadParameter("give a day like 2026-07-01, or LOG:INDEX", param_hint="--before")
    return parts_before(connection, datetime.fromisoformat(before).replace(tzinfo=UTC))


def _archive(runtime: "Runtime", part: "Part", folder: Path, *, detach: bool) -> None:
    from audit.archive import retire, take_out, write_archive
    from audit.proofs import current_log
    from audit.unit_of_work import begin
    from service.cli.operator import OPERATOR

    with runtime.ledger.read() as connection:
        archived = write_archive(connection, part, folder)
        closed = current_log(connection) != part.log
    click.echo(f"{part.log}: entries {part.start} to {part.end - 1} stand in {folder}")
    with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
        retire(uow, archived)
        out = take_out(uow, archived) if detach and closed else []
    for name in out:
        click.echo(f"taken out of the log: {name}; when the archive is safe: DROP TABLE {name}")
    if detach and not closed:
        click.echo(f"{part.log} is the log of now: the policy lets nothing of it go yet")
    elif detach and not out:
        click.echo("no partition lies wholly below the archive's end yet: none was taken out")
