"""`consent-vault audit`: take the log out, and verify it without us."""

from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import data_option


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
    raise NotImplementedError
