"""`consent-vault role`: who may work here as auditor or operator."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.asking import asked_code
from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from uuid import UUID

_ROLE = click.Choice(["auditor", "operator"])


@click.group()
def role() -> None:
    """Give people roles, take them back, and see who has one."""


@role.command()
@click.argument("role_name", metavar="ROLE", type=_ROLE)
@data_option
def grant(role_name: str, data: Path | None) -> None:
    """Give a person a role.

    The person's identity code is asked for, never given on the command line, where others on
    the machine could read it.
    """
    from audit.unit_of_work import begin
    from policies.vocabulary import Role
    from service.cli.operator import OPERATOR
    from service.roles import grant_role
    from vault.people import IDENTITY_SCHEME, enrol

    code = asked_code("No role was given.")
    with (
        runtime_of(data) as runtime,
        begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow,
    ):
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=code)
        given = grant_role(uow, person, Role(role_name))
    click.echo("given" if given else "the person has it already")


@role.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@data_option
def list_(as_json: bool, data: Path | None) -> None:
    """Show who has which role and since when, by the number that a person has in this service."""
    from service.roles import holders

    with runtime_of(data) as runtime, runtime.ledger.read() as connection:
        found = [
            {
                "person": str(each.person),
                "role": each.role.value,
                "since": None if each.since is None else each.since.isoformat(timespec="seconds"),
            }
            for each in holders(connection)
        ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        click.echo(
            f"{each['person']}  {each['role']}  since {each['since'] or 'before the archive'}"
        )


@role.command()
@click.argument("role_name", metavar="ROLE", type=_ROLE)
@click.option("--person", metavar="NUMBER", type=click.UUID, help="As `role list` shows it.")
@data_option
def revoke(role_name: str, person: "UUID | None", data: Path | None) -> None:
    """Take a role back from a person; it is gone at once, in open sessions too.

    Without --person the person's identity code is asked for.
    """
    from audit.unit_of_work import begin
    from policies.ids import PersonId
    from policies.vocabulary import Role
    from service.cli.operator import OPERATOR
    from service.roles import revoke_role
    from vault.people import IDENTITY_SCHEME, find_person

    code = None if person else asked_code("No role was taken back.")
    with (
        runtime_of(data) as runtime,
        begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow,
    ):
        known = None if person is None else PersonId(person)
        if code is not None:
            known = find_person(
                uow.connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=code
            )
        taken = known is not None and revoke_role(uow, known, Role(role_name))
    if not taken:
        raise Failure(
            "No role was taken back.",
            why=f"this person is no {role_name} here",
            repair="see who has which role: consent-vault role list",
        )
    click.echo("taken back")
