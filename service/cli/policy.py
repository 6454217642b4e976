"""`consent-vault policy`: the rules by which is decided, and what other rules would decide.

Nothing here looks into anybody's log: kept decisions hold no person. The digest of a decision's
question stands in its event as `input:…`, for those who may read the event.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from consent.decision_records import Replayed
    from policies.decisions import KeptDecision
    from policies.policy_set import PolicySet
    from policies.what_if import Outcome

_json = click.option("--json", "as_json", is_flag=True, help="JSON, for programs.")
_rules = click.option(
    "--rules",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder with other policies and their schema. Without it: those of this program.",
)


@click.group()
def policy() -> None:
    """See and check the policies, make decisions anew, and ask what would be if."""


@policy.command("list")
@_rules
@_json
def list_(rules: Path | None, as_json: bool) -> None:
    """Show every policy with its reason and its law, in the order in which reasons are told."""
    found = _policies(rules)
    shown = [
        {
            "id": name,
            "effect": found.bodies[name]["effect"],
            "reason": found.reason(name),
            "law": found.bodies[name]["annotations"]["law"],
        }
        for name in sorted(found.bodies, key=found.rank)
    ]
    if as_json:
        click.echo(json.dumps({"policy_set": found.digest, "policies": shown}, indent=2))
        return
    click.echo(f"cedar:{found.digest}")
    for each in shown:
        click.echo("{effect:<6}  {id:<36}  {reason:<20}  {law}".format(**each))


@policy.command()
@_rules
def check(rules: Path | None) -> None:
    """Check policies against their schema and the rules of the house, and how they are written."""
    import cedarpy

    from policies.policy_set import RULES

    found = _policies(rules)
    for file in sorted((rules or RULES).iterdir(), key=lambda each: each.name):
        if not file.name.endswith(".cedar"):
            continue
        text = file.read_text(encoding="utf-8")
        if cedarpy.format_policies(text, 100, 2) != text:
            raise Failure(
                f"{file.name} is not written as Cedar writes it.",
                why="its layout differs",
                repair="cedar format --line-width 100 --indent-width 2",
            )
    click.echo(f"{len(found.bodies)} policies, cedar:{found.digest}")


@policy.command()
@_rules
@click.option("--input", "digest", help="One decision: the digest in its event, or its beginning.")
@_json
@data_option
def replay(rules: Path | None, digest: str | None, as_json: bool, data: Path | None) -> None:
    """Make the kept decisions anew and show those that would be others.

    By the policies that made a decision it has to be the same; where it is not, the command ends
    with 1.
    """
    from policies.cedar_port import CedarPort

    port = CedarPort(_policies(rules))
    with runtime_of(data) as runtime, runtime.ledger.read() as connection:
        found = [_again(each, port) for each in _kept(connection, digest)]
    others = [each for each in found if not each.same]
    if as_json:
        told = {"decisions": len(found), "changed": [_shown_again(each) for each in others]}
        click.echo(json.dumps({"policy_set": port.policy_set, **told}, indent=2))
    else:
        for each in others:
            click.echo("{input:.12}  {asked}: {before} -> {after}".format(**_shown_again(each)))
        click.echo(f"{len(found)} kinds of decision, {len(others)} would be others")
    if any(each.by_same_policies for each in others):
        raise Failure(
            "A decision is not what these policies decide.",
            why="the same policies and the same facts gave another answer before",
            repair="compare the versions of the program, and hold the database against its log",
        )


@policy.command("what-if")
@click.argument("digest", metavar="INPUT")
@click.argument("facts", metavar="[FACT=VALUE]...", nargs=-1)
@_rules
@_json
@data_option
def what_if(
    digest: str, facts: tuple[str, ...], rules: Path | None, as_json: bool, data: Path | None
) -> None:
    """Decide a kept question with other facts: grant.state=withdrawn, token.expires=-1.

    INPUT is the digest in an event, or its beginning. `?` leaves a fact open and tries all it can
    be, `-` takes it away. Times are -1 for past, 0 for now, 1 for to come.
    """
    from policies.cedar_port import CedarPort
    from policies.what_if import WhatIfError, outcomes

    wishes = dict(_wish(each) for each in facts)
    found = _policies(rules)
    with runtime_of(data) as runtime, runtime.ledger.read() as connection:
        asked = _input(_one(connection, digest))
    try:
        made = list(outcomes(CedarPort(found), asked, wishes, found.schema_text))
    except WhatIfError as error:
        raise Failure(
            "Nothing was decided.",
            why=str(error),
            repair="name a fact of the question, as --json of replay or the docs show them",
        ) from error
    shown = [_shown_outcome(each) for each in made]
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    for each in shown:
        told = " ".join(f"{path}={value}" for path, value in each["facts"].items())
        click.echo(f"{each['decision']}  {told}".rstrip())


def _policies(rules: Path | None) -> "PolicySet":
    """Raises Failure."""
    from policies.policy_set import RULES, PolicySetError, load_policy_set

    try:
        return load_policy_set(rules or RULES)
    except PolicySetError as error:
        raise Failure(
            "These policies may not decide.", why=str(error), repair="correct the policy"
        ) from error


def _kept(connection: "Connection", digest: str | None) -> Iterator["KeptDecision"]:
    from consent.decision_records import every

    found = [each for each in every(connection) if each.input_digest.startswith(digest or "")]
    if digest is not None and not found:
        raise Failure(
            "There is no such decision.",
            why="no kept question has this digest",
            repair="take it from the event: what stands there after input:",
        )
    yield from found


def _one(connection: "Connection", digest: str) -> "KeptDecision":
    found = {each.input_digest: each for each in _kept(connection, digest)}
    if len(found) > 1:
        raise Failure(
            "There are several such decisions.",
            why=f"{len(found)} questions have a digest that begins so",
            repair="give more of the digest",
        )
    return next(iter(found.values()))


def _input(kept: "KeptDecision") -> Any:
    from consent.decision_records import DecisionDamagedError, input_of

    try:
        return input_of(kept)
    except DecisionDamagedError as error:
        raise _damaged(kept) from error


def _again(kept: "KeptDecision", port: Any) -> "Replayed":
    from consent.decision_records import Replayed

    return Replayed(kept, port.decide(_input(kept)))


def _damaged(kept: "KeptDecision") -> Failure:
    return Failure(
        f"The question {kept.input_digest[:12]} is damaged.",
        why="it is not what its digest says",
        repair="hold the database against a backup: consent-vault audit check",
    )


def _wish(text: str) -> tuple[str, str]:
    path, _, value = text.partition("=")
    if not value:
        raise click.BadParameter(f"{text} has not the form FACT=VALUE")
    return path, value


def _said(*, allowed: bool, reason: str) -> str:
    return f"{'allowed' if allowed else 'denied'} ({reason})"


def _shown_again(each: "Replayed") -> dict[str, Any]:
    request = json.loads(each.kept.document)["request"]
    resource, context = request["resource"]["id"], request["context"]
    return {
        "input": each.kept.input_digest,
        "asked": f"{request['action']['id']} {resource} for {context['purpose']['__entity']['id']}",
        "before": _said(allowed=each.kept.allowed, reason=each.kept.reason),
        "after": _said(allowed=each.now.allowed, reason=each.now.reason),
        "policies": list(each.now.policies),
        "same_policies": each.by_same_policies,
    }


def _shown_outcome(each: "Outcome") -> dict[str, Any]:
    made = each.decision
    return {
        "facts": dict(each.facts),
        "decision": _said(allowed=made.allowed, reason=made.reason),
        "policies": list(made.policies),
    }
