"""`consent-vault doctor`: is everything in order, and what repairs what is not."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from service.cli.place import data_option, settings_of


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@data_option
def doctor(as_json: bool, data: Path | None) -> None:
    """Examine this installation. The exit code is 1 when something is at fault."""
    from service.doctor.examine import examine

    findings = list(examine(settings_of(data)))
    if as_json:
        click.echo(json.dumps([asdict(each) | {"ok": each.ok} for each in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{'ok   ' if finding.ok else 'FAULT'}  {finding.check}: {finding.found}")
            if not finding.ok:
                click.echo(f"       repair: {finding.repair}")
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(1)
