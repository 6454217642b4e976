"""`consent-vault purpose`: what organisations may ask for."""

from pathlib import Path

import click

from service.cli.client import read_object
from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of


@click.group()
def purpose() -> None:
    """Register purpose declarations and list them."""


@purpose.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@data_option
def add(file: Path, data: Path | None) -> None:
    """Register a purpose declaration from a JSON file; a newer version replaces an older one."""
    from audit.unit_of_work import begin
    from consent.purposes import PurposeVersionError, register_purpose
    from policies.purposes import DeclarationError, PurposeDeclaration
    from service.cli.operator import OPERATOR

    content = dict(read_object(file))
    with runtime_of(data) as runtime:
        try:
            declaration = PurposeDeclaration.from_json(content)
            with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
                register_purpose(uow, declaration, runtime.catalogue)
        except DeclarationError as error:
            raise Failure(
                f"The purpose in {file} was not registered.",
                why=f"{error.field}: {error.reason}",
                repair="correct the member and run the command again",
            ) from error
        except PurposeVersionError as error:
            raise Failure(
                f"The purpose in {file} was not registered.",
                why=f"version {error.version} of it is in force",
                repair=f"give the changed declaration the version {error.version + 1}",
            ) from error
    click.echo(f"registered {declaration.id}, version {declaration.version}")


@purpose.command("list")
@data_option
def list_(data: Path | None) -> None:
    """Show the purposes in force, and those of the catalogue that are not registered."""
    from consent.purposes import purposes_in_force

    with runtime_of(data) as runtime, runtime.ledger.read() as connection:
        registered = purposes_in_force(connection)
        for purpose_id, declared in sorted({**runtime.catalogue.purposes, **registered}.items()):
            found = registered.get(purpose_id)
            state = "not registered" if found is None else f"version {found.version}"
            click.echo(f"{purpose_id}  {state}  {declared.basis}  {declared.organisation}")
