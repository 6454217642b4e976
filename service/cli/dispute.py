"""`consent-vault dispute`: what people say is not so, and what its source has answered."""

import json
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from policies.ids import PersonId
    from vault.model import Dispute

_ANSWERS = click.Choice(["corrected", "kept-by-source"])


@click.group()
def dispute() -> None:
    """See open disputes, and settle one as its source has answered."""


@dispute.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@data_option
def list_(as_json: bool, data: Path | None) -> None:
    """Show the open disputes, oldest first, without any value."""
    from audit.scope import EVERYONE
    from vault.disputes import open_disputes

    with runtime_of(data) as runtime, runtime.ledger.read(EVERYONE) as connection:
        found = [_shown(person, each) for person, each in open_disputes(connection)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        click.echo("{dispute}  {opened_at}  {source}  {attribute}  {reason}".format(**each))


@dispute.command()
@click.argument("dispute_id", metavar="DISPUTE", type=click.UUID)
@click.option("--outcome", required=True, type=_ANSWERS, help="What the source has answered.")
@data_option
def settle(dispute_id: UUID, outcome: str, data: Path | None) -> None:
    """Settle a dispute: the mark goes, and whoever has got the value is told.

    A correction itself comes from the source, as a deposit.
    """
    from audit.scope import EVERYONE
    from audit.unit_of_work import begin
    from policies.ids import DisputeId
    from service.cli.operator import OPERATOR
    from vault.disputes import NoSuchDisputeError, open_disputes
    from vault.disputes import settle as settle_it
    from vault.model import Outcome

    with runtime_of(data) as runtime:
        with runtime.ledger.read(EVERYONE) as connection:
            found = {each.id: person for person, each in open_disputes(connection)}
        try:
            person = found[DisputeId(dispute_id)]
            with begin(runtime.ledger, actor=OPERATOR, now=runtime.now(), about=person) as uow:
                settle_it(uow, runtime.vault, person, DisputeId(dispute_id), Outcome(outcome))
        except (KeyError, NoSuchDisputeError) as error:
            raise Failure(
                "No dispute was settled.",
                why=f"there is no open dispute {dispute_id}",
                repair="consent-vault dispute list shows the open ones",
            ) from error
    click.echo(f"settled {dispute_id}")


def _shown(person: "PersonId", found: "Dispute") -> dict[str, object]:
    return {
        "dispute": str(found.id),
        "person": str(person),
        "source": found.source,
        "attribute": found.attribute,
        "reason": found.reason.value,
        "opened_at": found.opened_at.isoformat(timespec="seconds"),
        "restricted": found.restricts,
        "restated": found.restated,
    }
