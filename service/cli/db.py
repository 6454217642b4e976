"""`consent-vault db`: the database's revision."""

from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import data_option, newer_database, settings_of


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@data_option
def upgrade(data: Path | None) -> None:
    """Bring the database to the revision of this program; safe to run again."""
    from audit.database import open_engine
    from service.cli.starting import told
    from service.migrations.upgrade import current, head, knows
    from service.migrations.upgrade import upgrade as run

    settings = settings_of(data)
    engine = open_engine(settings.database_url, pooled=settings.pooled)
    try:
        with told():
            with engine.connect() as connection:
                found = current(connection)
            if found is not None and not knows(found):
                raise newer_database(found)
            changed = run(engine)
    finally:
        engine.dispose()
    click.echo(f"{'upgraded to' if changed else 'already at'} revision {head()}")


@db.command("spread")
@click.option("--parts", type=int, default=32, show_default=True, help="2 to 1024.")
@data_option
def spread_(parts: int, data: Path | None) -> None:
    """Spread what the vault keeps over partitions by person (PostgreSQL).

    For millions of people. Run it as the owner of the tables while the service is stopped: all
    rows are copied in one transaction. Nothing else changes; run again, it does what is missing.
    """
    from audit.database import open_engine
    from service.cli.starting import told
    from service.migrations.spreading import SpreadError, spread

    settings = settings_of(data)
    engine = open_engine(settings.database_url, pooled=settings.pooled)
    try:
        with told(), engine.begin() as connection:
            made = spread(connection, parts)
    except SpreadError as error:
        raise Failure("Nothing was spread.", why=error.reason, repair=error.repair) from error
    finally:
        engine.dispose()
    click.echo(f"{len(made)} tables spread over {parts} partitions each")


@db.command("role")
@click.argument("name")
@click.option(
    "--for",
    "purpose",
    type=click.Choice(["application", "sequencer", "auditor"]),
    default="application",
    show_default=True,
    help="The service itself, `consent-vault sequence`, or who reads the log in SQL.",
)
@data_option
def role_(name: str, purpose: str, data: Path | None) -> None:
    """Give the PostgreSQL role NAME what it needs for its purpose, and nothing more.

    Run it as the owner of the tables, after every upgrade; let the service run as the role. It
    may write into the log and change nothing there.
    """
    from audit.database import open_engine
    from service.cli.starting import told
    from service.migrations.rights import Purpose, RoleError, give_rights

    settings = settings_of(data)
    engine = open_engine(settings.database_url, pooled=settings.pooled)
    try:
        with told(), engine.begin() as connection:
            given = give_rights(connection, name, Purpose(purpose))
    except RoleError as error:
        raise Failure("No rights were given.", why=error.reason, repair=error.repair) from error
    finally:
        engine.dispose()
    click.echo(f"{name}: {sum(each.startswith('GRANT') for each in given)} rights given")
