"""`consent-vault role`: who may work here as auditor or operator."""

from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of


@click.group()
def role() -> None:
    """Give people roles."""


@role.command()
@click.argument("role_name", metavar="ROLE", type=click.Choice(["auditor", "operator"]))
@data_option
def grant(role_name: str, data: Path | None) -> None:
    """Give a person a role.

    The person's identity code is asked for, never given on the command line, where others on
    the machine could read it.
    """
    from audit.unit_of_work import begin
    from policies.identity_code import InvalidIdentityCodeError, parse_identity_code
    from policies.vocabulary import Role
    from service.cli.operator import OPERATOR
    from service.roles import grant_role
    from vault.people import IDENTITY_SCHEME, enrol

    typed = click.prompt("Identity code of the person", hide_input=True)
    try:
        code = parse_identity_code(typed)
    except InvalidIdentityCodeError as error:
        raise Failure(
            "No role was given.",
            why="that is not a personal identity code",
            repair="type it as it stands on the card, with its check character",
        ) from error
    with (
        runtime_of(data) as runtime,
        begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow,
    ):
        person = enrol(uow, runtime.vault, scheme=IDENTITY_SCHEME, identifier=code.value)
        given = grant_role(uow, person, Role(role_name))
    click.echo("given" if given else "the person has it already")
