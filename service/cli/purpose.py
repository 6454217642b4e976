"""`consent-vault purpose`: what organisations may ask for."""

import json
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
@click.option("--editorial", is_flag=True, help="It changes words only; else it is refused.")
@data_option
def add(file: Path, editorial: bool, data: Path | None) -> None:
    """Register a purpose declaration from a JSON file; a newer version replaces an older one."""
    from audit.unit_of_work import begin
    from consent.notice_versions import EditorialChangeError
    from consent.purposes import PurposeVersionError, register_purpose
    from policies.purposes import DeclarationError, PurposeDeclaration
    from service.cli.operator import OPERATOR

    content = dict(read_object(file))
    with runtime_of(data) as runtime:
        try:
            declaration = PurposeDeclaration.from_json(content)
            with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
                register_purpose(uow, declaration, runtime.catalogue, editorial=editorial)
        except DeclarationError as error:
            raise Failure(
                f"The purpose in {file} was not registered.",
                why=f"{error.field}: {error.reason}",
                repair="correct the member and run the command again",
            ) from error
        except EditorialChangeError as error:
            raise Failure(
                f"The purpose in {file} was not registered.",
                why=f"{error.member} differs, which is more than words",
                repair="run the command again without --editorial: people are asked anew then",
            ) from error
        except PurposeVersionError as error:
            raise Failure(
                f"The purpose in {file} was not registered.",
                why=f"version {error.version} of it is in force",
                repair=f"give the changed declaration the version {error.version + 1}",
            ) from error
    click.echo(f"registered {declaration.id}, version {declaration.version}")


@purpose.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@data_option
def list_(as_json: bool, data: Path | None) -> None:
    """Show the purposes in force, and those of the catalogue that are not registered."""
    from consent.purposes import purposes_in_force

    with runtime_of(data) as runtime, runtime.ledger.read() as connection:
        in_force = purposes_in_force(connection)
    shown = [
        {
            "id": each.id,
            "version": each.version if each.id in in_force else None,
            "basis": each.basis.value,
            "organisation": each.organisation,
        }
        for _, each in sorted({**runtime.catalogue.purposes, **in_force}.items())
    ]
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    for one in shown:
        version = one["version"]
        state = "not registered" if version is None else f"version {version}"
        click.echo(f"{one['id']}  {state}  {one['basis']}  {one['organisation']}")
