"""`consent-vault audit`: take the log out, and verify it without us."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from service.runtime import Runtime


@click.group()
def audit() -> None:
    """Export the log and verify an export offline."""


_FILE = click.File("rb")


@audit.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("--vkey", multiple=True, help="Key of the log, from a source that you trust.")
@click.option("--policy", type=_FILE, help="The logs and witnesses that you trust (tlog-policy).")
@click.option("--max-age", metavar="AGE", help="Of the newest cosignature, for example 24h.")
@click.option("--tsa-roots", type=_FILE, help="Roots of time stamping authorities (PEM).")
@click.option("--older", type=_FILE, multiple=True, help="A checkpoint that you have kept.")
@click.option("--entry", type=_FILE, help="The entry that a .tlog-proof is about.")
@click.option("--promise", type=_FILE, multiple=True, help="An event promise that you hold.")
@click.option("--first-log", metavar="HALF-YEAR", help="In which the log began, as 2026h2.")
@click.option("--json", "as_json", is_flag=True, help="Say it for a program.")
def verify(
    path: tuple[Path, ...],
    vkey: tuple[str, ...],
    policy: BinaryIO | None,
    max_age: str | None,
    tsa_roots: BinaryIO | None,
    older: tuple[BinaryIO, ...],
    entry: BinaryIO | None,
    promise: tuple[BinaryIO, ...],
    first_log: str | None,
    as_json: bool,
) -> None:
    """Check every proof in PATH; needs no database and no network.

    PATH is an export, a folder of a published log (tlog-tiles), a .tlog-proof, the document of an
    event with its proof, or a checkpoint. Several exports, oldest first, must follow upon each
    other.
    """
    from audit.faults import BundleError
    from audit.verification import Question, QuestionError, trust_of, verify_paths

    try:
        trust = trust_of(
            vkey,
            policy.read() if policy else None,
            max_age,
            tsa_roots=tsa_roots.read() if tsa_roots else None,
            now=datetime.now(UTC),
        )
        kept = tuple(each.read() for each in older)
        held = tuple((each.name, each.read()) for each in promise)
        asked = Question(trust, kept, entry.read() if entry else None, held, first_log)
        answers = verify_paths(path, asked)
    except QuestionError as error:
        raise click.UsageError(str(error)) from error
    except BundleError as error:
        if as_json:
            click.echo(json.dumps({"verified": False} | error.to_json()))
            raise click.exceptions.Exit(1) from error
        raise Failure(
            f"{' '.join(map(str, path))} does not verify.",
            why=str(error),
            repair="take a fresh export; if that fails too, the log was changed: tell the auditor",
        ) from error
    if as_json:
        found = [answer.to_json() for answer in answers]
        click.echo(json.dumps({"verified": True, "results": found}))
    else:
        click.echo("\n".join(answer.text for answer in answers))


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--log", help="Of which half-year, for example 2026h2; without it the newest.")
@click.option(
    "--archive",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder of an archive, for what was taken out of the database.",
)
@data_option
def export(file: Path, log: str | None, archive: Path | None, data: Path | None) -> None:
    """Write the log with its proofs to FILE; the export itself is recorded in the log."""
    from audit.bundle_files import sha256
    from audit.durable import private_file
    from audit.model import Event, Kind
    from audit.shards import UNSHARDED
    from audit.unit_of_work import begin
    from service.cli.operator import OPERATOR

    # The file first, before anything is recorded: what cannot be written is not exported either.
    with runtime_of(data) as runtime, private_file(file) as written:
        bundle = _bundle(runtime, file, log, archive)
        # Recorded before the file is there: no export without its event.
        with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
            uow.record(Event(kind=Kind.LOG_EXPORTED, reference=sha256(bundle)))
        written.write(bundle)
    click.echo(f"wrote {file}; verify it with: consent-vault audit verify {file}")
    for vkey in runtime.log_signers.vkeys(UNSHARDED):
        click.echo(f"public key of the log: {vkey}")


def _bundle(runtime: "Runtime", file: Path, log: str | None, archive: Path | None) -> bytes:
    from audit.archive import ArchiveError
    from audit.archived import ArchivedEntriesError
    from audit.bundle import NothingToExportError, write_bundle

    policy = runtime.settings.log_policy
    try:
        with runtime.ledger.read() as connection:
            return write_bundle(
                connection,
                runtime.ledger,
                signers=runtime.log_signers,
                log=log,
                policy=policy.read_bytes() if policy else None,
                archive=archive,
            )
    except NothingToExportError as error:
        raise _nothing_exported(
            why=f"no log {log or ''} has signed a checkpoint yet".replace("  ", " "),
            repair="start the service once: it signs the log within a second",
        ) from error
    except ArchivedEntriesError as error:
        raise _nothing_exported(
            why=f"the entries of {error.log} below {error.minimum} were archived and taken out",
            repair="name the folder that they were archived in: consent-vault audit export"
            f" {file} --log {error.log} --archive FOLDER",
        ) from error
    except ArchiveError as error:
        raise _nothing_exported(
            why=f"the archive is not what was written there: {error}",
            repair="take the second copy of the archive; `sha256sum -c` with the file"
            " archive-… in it tells which one is whole",
        ) from error


def _nothing_exported(*, why: str, repair: str) -> Failure:
    return Failure("Nothing was exported.", why=why, repair=repair)


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@data_option
def vkeys(as_json: bool, data: Path | None) -> None:
    """Show the public keys of the log's trees, for those who verify them.

    The first ones, under the log's bare name, stand for all its half-years: witnesses and readers
    need no others. Then each tree by its own name, also those of the next two half-years.
    """
    from audit.proofs import log_heads
    from audit.shards import UNSHARDED, shard_after, shard_at

    with runtime_of(data) as runtime:
        with runtime.ledger.read() as connection:
            signed = [head.log for head in log_heads(connection)]
        ahead = [shard_at(runtime.now())]
        ahead += [shard_after(ahead[0]), shard_after(shard_after(ahead[0]))]
        logs = [UNSHARDED, *(log for log in signed if log not in {UNSHARDED, *ahead}), *ahead]
        signers = runtime.log_signers
        signing = [(log, vkey, True) for log in logs for vkey in signers.vkeys(log)]
        retired = [(log, vkey, False) for log in logs for vkey in signers.retired_vkeys(log)]
    shown = [{"log": log, "vkey": vkey, "signs": signs} for log, vkey, signs in signing + retired]
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    for log, vkey, signs in signing + retired:
        click.echo(f"{log}  {'signs' if signs else 'retired'}  {vkey}")
