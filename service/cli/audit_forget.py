"""`consent-vault audit forget`: a person's entries in the log say nothing any more."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.asking import asked_code, known_person, order_number
from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from uuid import UUID

    from audit.unit_of_work import UnitOfWork
    from policies.ids import PersonId
    from service.runtime import Runtime

NOTHING = "Nothing was destroyed."


@click.command()
@click.argument("person", required=False, metavar="[PERSON]", type=click.UUID)
@click.option("--year", type=click.IntRange(2000, 9998), help="Only the entries of that year.")
@click.option("--order", metavar="REFERENCE", help="What orders it while the entries must be kept.")
@click.option("--yes", is_flag=True, help="Do it. Without it, only say what would be destroyed.")
@data_option
def forget(
    person: "UUID | None", year: int | None, order: str | None, yes: bool, data: Path | None
) -> None:
    """Destroy a person's keys of the log, for good.

    PERSON is the number that the person has in this service; without it the identity code is asked
    for. Nothing leaves the log and every proof goes on to verify, but what the entries say of the
    person can be read by nobody any more. Refused for a year whose retention period runs
    (CONSENT_VAULT_LOG_RETENTION_YEARS), unless --order names what demands it.
    """
    from audit.erasure import years_of
    from audit.unit_of_work import begin
    from service.cli.operator import OPERATOR

    code = None if person else asked_code(NOTHING)
    with runtime_of(data) as runtime:
        case = None if order is None else order_number(order, what_not=NOTHING)
        with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
            known = known_person(uow.connection, runtime, person, code, what_not=NOTHING)
            years = years_of(uow, known)
            _check_retention(runtime, [year] if year else years, case)
            if yes:
                _destroy(uow, known, year, case)
    told = ", ".join(map(str, years)) or "no year"
    if not yes:
        click.echo(f"There are keys from: {told}. To destroy them for good, add --yes.")
        return
    click.echo(f"destroyed: {year or told}")
    click.echo(
        "Backups still hold the wrapped keys. They open no more once the key-encryption key is\n"
        "changed and the old one destroyed: consent-vault keys rotate, then keys rotate --finish."
    )


def _check_retention(runtime: "Runtime", years: list[int], case: str | None) -> None:
    """Raises Failure."""
    from audit.erasure import retention_runs

    kept, now = runtime.settings.log_retention_years, runtime.now()
    running = [each for each in years if retention_runs(each, years=kept, now=now)]
    if running and case is None:
        period = "no retention period is set" if kept is None else f"it is {kept} years"
        raise Failure(
            NOTHING,
            why=f"entries of {', '.join(map(str, running))} must still be kept: {period}",
            repair="name a year that has ended with --year, or what orders it with --order",
        )


def _destroy(uow: "UnitOfWork", person: "PersonId", year: int | None, case: str | None) -> None:
    from audit.erasure import ORDERED, destroy_log_key
    from audit.erasure import forget as forget_all

    if year is None:
        forget_all(uow, person, order=case)
    else:
        reason = None if case is None else ORDERED
        destroy_log_key(uow, person, period=str(year), reason=reason, order=case)
