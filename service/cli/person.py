"""`consent-vault person`: somebody's number here, another identity code, two records that are one.

A proposal at the machine counts for nobody's approval: two operators approve it on their page.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from service.cli.asking import asked_code, order_number
from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from service.proposal import Proposal

_NOT_PROPOSED = "Nothing was proposed."
_NOT_CORRECTED = "Nothing was corrected."
_NOTHING_ENDED = "Nothing was ended."
_REPAIR = "consent-vault person find shows the number of a person"


@click.group()
def person() -> None:
    """Find the number of a person here, correct her identity code, join two records of one."""


@person.command()
@data_option
def find(data: Path | None) -> None:
    """Show the number that a person has in this service. The identity code is asked for."""
    from service.cli.asking import known_person

    code = asked_code("Nobody was looked up.")
    with runtime_of(data) as runtime, runtime.ledger.read() as connection:
        found = known_person(connection, runtime, None, code, what_not="Nobody was found.")
    click.echo(str(found))


@person.command()
@click.argument("person", type=click.UUID)
@click.option("--reference", required=True, help="Number of the population register's message.")
@data_option
def correct(person: UUID, reference: str, data: Path | None) -> None:
    """Let another identity code lead to the person. The new code is asked for.

    PERSON is the number that the person has in this service. Who signs in with the earlier code
    from now on is somebody else.
    """
    from audit.unit_of_work import begin
    from policies.ids import PersonId
    from service.cli.operator import OPERATOR
    from vault.people import IDENTITY_SCHEME, correct_identifier

    case = order_number(reference, what_not=_NOT_CORRECTED)
    code = asked_code(_NOT_CORRECTED)
    with (
        runtime_of(data) as runtime,
        _correcting(),
        begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow,
    ):
        correct_identifier(
            uow,
            runtime.vault,
            PersonId(person),
            scheme=IDENTITY_SCHEME,
            identifier=code,
            reference=case,
        )
    click.echo(f"another identity code leads to {person} now")


@contextmanager
def _correcting() -> Iterator[None]:
    from vault.people import IdentifierTakenError, UnknownPersonError
    from vault.principals import OtherKindError

    try:
        yield
    except UnknownPersonError as error:
        why = f"nobody has the number {error.person}"
        raise Failure(_NOT_CORRECTED, why=why, repair=_REPAIR) from error
    except OtherKindError as error:
        why = "that is an organisation, which has no identity code"
        raise Failure(_NOT_CORRECTED, why=why, repair=_REPAIR) from error
    except IdentifierTakenError as error:
        raise Failure(
            _NOT_CORRECTED,
            why="the code leads to another person here",
            repair="consent-vault person merge, when the two are one person",
        ) from error


@person.command()
@click.argument("first", type=click.UUID)
@click.argument("other", type=click.UUID)
@click.option("--reference", required=True, help="Number of the case in which it is written why.")
@data_option
def merge(first: UUID, other: UUID, reference: str, data: Path | None) -> None:
    """Propose that what is kept under OTHER be kept under FIRST from now on.

    Two operators must approve it, each signed in as themselves, on their page "Two records of one
    person". The consents of OTHER end then; identifiers, records and disputes go along.
    """
    from audit.unit_of_work import begin
    from policies.ids import PersonId
    from service.cli.operator import OPERATOR
    from service.merging import StaffMergeError, propose
    from vault.merging import SamePersonError
    from vault.people import UnknownPersonError
    from vault.principals import OtherKindError

    case = order_number(reference, what_not=_NOT_PROPOSED)
    with runtime_of(data) as runtime:
        try:
            with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
                made = propose(uow, first=PersonId(first), other=PersonId(other), reference=case)
        except SamePersonError as error:
            raise Failure(
                _NOT_PROPOSED, why="both numbers are of one record", repair=_REPAIR
            ) from error
        except UnknownPersonError as error:
            raise Failure(
                _NOT_PROPOSED, why=f"nobody has the number {error.person}", repair=_REPAIR
            ) from error
        except OtherKindError as error:
            raise Failure(
                _NOT_PROPOSED, why="one is a person and the other an organisation", repair=_REPAIR
            ) from error
        except StaffMergeError as error:
            raise Failure(
                _NOT_PROPOSED,
                why="the second record has a role here",
                repair="consent-vault role revoke, or name the two the other way round",
            ) from error
    click.echo(f"proposal {made.number}: two operators must approve it on their page")


@person.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
@data_option
def merges(as_json: bool, data: Path | None) -> None:
    """Show the newest proposals and how they stand."""
    from service.merging import proposals

    with runtime_of(data) as runtime, runtime.ledger.read() as connection:
        now = runtime.now()
        found = [_shown(each, is_open=each.is_open(now)) for each in proposals(connection)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        click.echo("{number}  {state}  {first} <- {other}  {reference}".format(**each))


def _shown(proposal: "Proposal", *, is_open: bool) -> dict[str, object]:
    approvals = "one-approval" if proposal.approved_by else "no-approval"
    return {
        "number": proposal.number,
        "state": proposal.outcome or (approvals if is_open else "over"),
        "first": str(proposal.first),
        "other": str(proposal.other),
        "reference": proposal.reference,
        "proposed_at": proposal.proposed_at.isoformat(),
    }


@person.command()
@click.argument("person", required=False, metavar="[PERSON]", type=click.UUID)
@click.option("--reference", required=True, help="Number of the population register's message.")
@click.option("--yes", is_flag=True, help="Do it. Without it, only say what would end.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@data_option
def died(person: UUID | None, reference: str, yes: bool, as_json: bool, data: Path | None) -> None:
    """End a person's permissions and requests, since the population register tells of her death.

    PERSON is the number that the person has in this service; without it the identity code is asked
    for. What the law allows goes on, and her data stays until its own time is over.
    """
    from audit.unit_of_work import begin
    from consent.ending import end_by_death
    from consent.model import LIVE, OPEN
    from consent.reading import consents_of
    from service.cli.asking import known_person
    from service.cli.operator import OPERATOR

    code = None if person else asked_code(_NOTHING_ENDED)
    case = order_number(reference, what_not=_NOTHING_ENDED)
    with runtime_of(data) as runtime:
        with runtime.ledger.read() as connection:
            known = known_person(connection, runtime, person, code, what_not=_NOTHING_ENDED)
            ended = [each.id for each in consents_of(connection, known, OPEN | LIVE)]
        if yes:
            with begin(runtime.ledger, actor=OPERATOR, now=runtime.now()) as uow:
                ended = list(end_by_death(uow, known, reference=case))
    if as_json:
        told = {"done": yes, "person": str(known), "consents": [str(each) for each in ended]}
        click.echo(json.dumps(told))
        return
    click.echo(f"person {known}: {len(ended)} permissions and requests")
    if not yes:
        click.echo("To end them, add --yes.")
