"""What a command asks for at the terminal, since others on the machine can read a command line."""

import click

from service.cli.failure import Failure


def asked_code(what_not: str) -> str:
    """A personal identity code, typed and not shown. Raises Failure, which says `what_not`."""
    from policies.identity_code import InvalidIdentityCodeError, parse_identity_code

    typed = click.prompt("Identity code of the person", hide_input=True)
    try:
        return parse_identity_code(typed).value
    except InvalidIdentityCodeError as error:
        raise Failure(
            what_not,
            why="that is not a personal identity code",
            repair="type it as it stands on the card, with its check character",
        ) from error
