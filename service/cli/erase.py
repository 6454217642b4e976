"""`consent-vault erase`: erase a person's data because an authority or a court orders it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.asking import asked_code, known_person, order_number
from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from uuid import UUID

    from policies.ids import DatasetId, PersonId
    from service.runtime import Runtime
    from vault.erasure import Erasure
    from vault.erasure_statement import Statement

NOTHING = "Nothing was erased."


@click.command()
@click.argument("person", required=False, metavar="[PERSON]", type=click.UUID)
@click.option("--order", required=True, metavar="REFERENCE", help="Number of what orders it.")
@click.option("--dataset", metavar="DATASET", help="Only this data set.")
@click.option(
    "--statement",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write the signed statement, for the person.",
)
@click.option("--yes", is_flag=True, help="Do it. Without it, only say what would be erased.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@data_option
def erase(
    person: "UUID | None",
    order: str,
    dataset: str | None,
    file: Path | None,
    yes: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Erase a person's data by order, for good.

    PERSON is the number that the person has in this service; without it the identity code is asked
    for. Also goes what the person could not have had erased herself. Her log stays until its own
    time is over (audit forget), and the order's number stands in it.
    """
    code = None if person else asked_code(NOTHING)
    with runtime_of(data) as runtime:
        case = order_number(order, what_not=NOTHING)
        one = _dataset(runtime, dataset)
        with runtime.ledger.read() as connection:
            known = known_person(connection, runtime, person, code, what_not=NOTHING)
        if not yes:
            _tell(_held(runtime, known, one), known, as_json=as_json)
            return
        made, statement = _erase(runtime, known, case, one)
    if file is not None:
        _write(file, statement.jws)
    _tell_done(made, as_json=as_json)


def _dataset(runtime: "Runtime", dataset: str | None) -> "DatasetId | None":
    """Raises Failure."""
    from policies.ids import DatasetId

    if dataset is not None and dataset not in runtime.catalogue.datasets:
        raise Failure(
            NOTHING,
            why=f"there is no data set {dataset}",
            repair=f"name one of: {', '.join(runtime.catalogue.datasets)}",
        )
    return None if dataset is None else DatasetId(dataset)


def _held(runtime: "Runtime", person: "PersonId", one: "DatasetId | None") -> list[str]:
    """The data sets that are held and meant."""
    from vault.erasure import may_erase

    with runtime.ledger.read(person) as connection:
        found = may_erase(connection, runtime.vault, person)
    return [each for each in found if one in {None, each}]


def _erase(
    runtime: "Runtime", person: "PersonId", case: str, one: "DatasetId | None"
) -> "tuple[Erasure, Statement]":
    """Raises Failure."""
    from audit.outside_journal import JournalError
    from audit.unit_of_work import begin
    from service.cli.operator import OPERATOR
    from service.erasing import drop_copies
    from service.erasing import erase as erase_and_state
    from vault.erasure import Request
    from vault.people import UnknownPersonError

    try:
        with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
            made = erase_and_state(uow, runtime, person, Request.by_order(case), one)
    except UnknownPersonError as error:
        raise Failure(
            NOTHING,
            why="nobody has this number here, or the person has been erased",
            repair="leave the number out, and give the identity code when it is asked for",
        ) from error
    except JournalError as error:
        raise Failure(
            NOTHING,
            why=f"the journal of erasures cannot be written: {error}",
            repair="mend the journal's file or volume, and run the command again",
        ) from error
    drop_copies(runtime)
    return made


def _tell(datasets: list[str], person: "PersonId", *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"erased": False, "person": str(person), "datasets": datasets}))
        return
    click.echo(f"Person {person}: {', '.join(datasets) or 'no data set'}.")
    click.echo("To erase this for good, add --yes.")


def _tell_done(made: "Erasure", *, as_json: bool) -> None:
    told = {
        "erased": True,
        "person": str(made.person),
        "datasets": list(made.datasets),
        "consents_ended": len(made.ended),
        "erasure": str(made.id),
        "event": str(made.event_id),
    }
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"erased: {', '.join(made.datasets) or 'no data set was held'}")
    click.echo(f"person {made.person}, erasure {made.id}, {len(made.ended)} consents ended")
    click.echo(
        "Backups open no more once the key-encryption key is changed and the old one destroyed:\n"
        "consent-vault keys rotate, then keys rotate --finish."
    )


def _write(file: Path, jws: str) -> None:
    """The erasure is done; that the file cannot be written, is told."""
    try:
        file.write_text(jws)
    except OSError as error:
        raise Failure(
            "The data is erased; the statement was not written.",
            why=f"{file}: {error.strerror}",
            repair="fetch it from /erasures/ on the service's pages within thirty days",
        ) from error
