"""`consent-vault audit`: take the log out, and verify it without us."""

from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of


@click.group()
def audit() -> None:
    """Export the log and verify an export offline."""


@audit.command()
@click.argument("bundle", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--vkey", help="Public key of the log, from a source that you trust.")
def verify(bundle: Path, vkey: str | None) -> None:
    """Check every proof in BUNDLE; needs no database and no network."""
    from audit.verify import BundleError, verify_bundle

    try:
        report = verify_bundle(bundle, vkey=vkey)
    except BundleError as error:
        raise Failure(
            f"{bundle} does not verify.",
            why=str(error),
            repair="take a fresh export; if that fails too, the log was changed: tell the auditor",
        ) from error
    click.echo(str(report))


@audit.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
def export(file: Path, data: Path | None) -> None:
    """Write the log with its proofs to FILE; the export itself is recorded in the log."""
    from audit.bundle import NothingToExportError, write_bundle
    from audit.bundle_files import sha256
    from audit.model import Event, Kind
    from audit.proofs import current_log
    from audit.unit_of_work import begin
    from service.cli.operator import OPERATOR

    with runtime_of(data) as runtime:
        try:
            with runtime.ledger.read() as connection:
                log = current_log(connection)
                bundle = write_bundle(
                    connection, runtime.ledger, signers=runtime.log_signers, log=log
                )
        except NothingToExportError as error:
            raise Failure(
                "Nothing was exported.",
                why="the log has signed no checkpoint yet",
                repair="start the service once: it signs the log within a second",
            ) from error
        # Recorded before the file is there: no export without its event.
        with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
            uow.record(Event(kind=Kind.LOG_EXPORTED, reference=sha256(bundle)))
    file.touch(mode=0o600)
    file.write_bytes(bundle)
    click.echo(f"wrote {file}; verify it with: consent-vault audit verify {file}")
    for vkey in runtime.log_signers.vkeys(log or ""):
        click.echo(f"public key of the log: {vkey}")
