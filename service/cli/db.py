"""`consent-vault db`: the database's revision."""

from pathlib import Path

import click

from service.cli.place import data_option, settings_of


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@data_option
def upgrade(data: Path | None) -> None:
    """Bring the database to the revision of this program; safe to run again."""
    from audit.database import open_engine
    from service.migrations.upgrade import head
    from service.migrations.upgrade import upgrade as run

    engine = open_engine(settings_of(data).database_url)
    try:
        changed = run(engine)
    finally:
        engine.dispose()
    click.echo(f"{'upgraded to' if changed else 'already at'} revision {head()}")
