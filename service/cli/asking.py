"""What a command asks for at the terminal, since others on the machine can read a command line, and
whom and what is meant by that."""

import sys
from typing import TYPE_CHECKING

import click

from service.cli.failure import Failure

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Connection

    from policies.ids import PersonId
    from service.runtime import Runtime


def asked_code(what_not: str) -> str:
    """A personal identity code, typed and not shown, or piped in by a program.

    Raises Failure, which says `what_not`.
    """
    from policies.identity_code import InvalidIdentityCodeError, parse_identity_code

    typed = _typed() if sys.stdin.isatty() else sys.stdin.readline().strip()
    try:
        return parse_identity_code(typed).value
    except InvalidIdentityCodeError as error:
        raise Failure(
            what_not,
            why="that is not a personal identity code",
            repair="type it as it stands on the card, with its check character",
        ) from error


def _typed() -> str:
    typed: str = click.prompt("Identity code of the person", hide_input=True)
    return typed


def known_person(
    connection: "Connection",
    runtime: "Runtime",
    person: "UUID | None",
    code: str | None,
    *,
    what_not: str,
) -> "PersonId":
    """Who is meant by the number or the identity code. Raises Failure, which says `what_not`."""
    from policies.ids import PersonId
    from vault.people import IDENTITY_SCHEME, find_person

    known = None if person is None else PersonId(person)
    if code is not None:
        known = find_person(connection, runtime.vault, scheme=IDENTITY_SCHEME, identifier=code)
    if known is None:
        raise Failure(
            what_not,
            why="nobody is known here by that identity code",
            repair="give the person's number in this service, as the order or the erasure names it",
        )
    return known


def order_number(order: str, *, what_not: str) -> str:
    """The number of an order, by the rule for the case numbers of agencies. Raises Failure."""
    from consent.authorization_details import AuthorizationDetailsError, case_number

    try:
        return case_number(order)
    except AuthorizationDetailsError as error:
        raise Failure(
            what_not,
            why="that is no reference: up to 64 letters, digits, dots, hyphens and slashes",
            repair="give the number of the order, nothing of the person",
        ) from error
