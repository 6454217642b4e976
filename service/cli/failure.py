"""What a command says when it cannot do its work: what happened, why, and what repairs it."""

import click


class Failure(click.ClickException):
    """A failure that the person at the terminal can act on."""

    def __init__(self, what: str, *, why: str, repair: str) -> None:
        super().__init__(f"{what}\n  Why: {why}\n  Repair: {repair}")
