"""`consent-vault keys`: the keys of this installation, by name and never by value."""

from pathlib import Path

import click

from service.cli.place import data_option, settings_of


@click.group()
def keys() -> None:
    """Look after the keys."""


@keys.command()
@data_option
def status(data: Path | None) -> None:
    """Show the key files with their age and permissions."""
    from datetime import UTC, datetime

    for path in sorted(p for p in settings_of(data).data_folder.rglob("*") if p.is_file()):
        found = path.stat()
        made = datetime.fromtimestamp(found.st_mtime, UTC).date().isoformat()
        click.echo(f"{made}  {found.st_mode & 0o777:04o}  {path}")
