"""`consent-vault import --from-export`: a person's copy from another installation."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli.failure import Failure
from service.cli.place import runtime_of

if TYPE_CHECKING:
    from service.portability.bringing import Brought

NOTHING = "Nothing was imported."
_REPAIRS = {
    "other-person": "give the identity code of the person whose copy it is",
    "unknown-person": "take the person in with --enrol",
    "unknown-key": "give the key set that the other installation publishes at /oauth/jwks",
}


def import_export(
    file: Path,
    jwks: Path | None,
    person: str | None,
    *,
    enrol: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Verify the copy and keep what can be kept of it. Raises Failure."""
    from service.cli.operator import OPERATOR
    from service.portability.bringing import bring_in
    from service.portability.reading import ExportError, verified

    if jwks is None:
        raise click.UsageError("--from-export needs --jwks, the keys of the other installation")
    code = _code(person)
    try:
        content = verified(_text(file).strip(), _keys(jwks))
        with runtime_of(data) as runtime:
            done = bring_in(runtime, content, code, actor=OPERATOR, enrols=enrol)
    except ExportError as error:
        raise Failure(
            NOTHING,
            why=f"the copy is not taken: {error.reason}",
            repair=_REPAIRS.get(error.reason, "fetch the copy (JWS) anew from the other service"),
        ) from error
    _tell(done, as_json=as_json)


def _code(person: str | None) -> str:
    from policies.identity_code import InvalidIdentityCodeError, parse_identity_code
    from service.cli.asking import asked_code

    if person is None:
        return asked_code(NOTHING)
    typed = sys.stdin.readline() if person == "-" else _text(Path(person))
    try:
        return parse_identity_code(typed.strip()).value
    except InvalidIdentityCodeError as error:
        raise Failure(
            NOTHING,
            why="that is not a personal identity code",
            repair="put the code alone into the file, or leave --person out and type it",
        ) from error


def _keys(file: Path) -> dict[str, Any]:
    try:
        keys = json.loads(_text(file))
        if isinstance(keys["keys"], list) and all(isinstance(key, dict) for key in keys["keys"]):
            return dict(keys)
    except (ValueError, TypeError, KeyError):
        pass
    raise Failure(
        NOTHING,
        why=f"{file} is no set of keys (RFC 7517)",
        repair="fetch it from the other installation: /oauth/jwks",
    )


def _text(file: Path) -> str:
    from service.portability.reading import MAX_BYTES

    try:
        if file.stat().st_size > MAX_BYTES:
            raise Failure(NOTHING, why=f"{file} is too large", repair="give the copy as it came")
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "is not such a file"
        raise Failure(NOTHING, why=f"{file}: {why}", repair="name the file as it came") from error


def _tell(done: "Brought", *, as_json: bool) -> None:
    left = [
        {"attribute": each.attribute, "source": each.source, "reason": each.why}
        for each in done.left
    ]
    if as_json:
        told = {"person": str(done.person), "values": done.values, "left": left}
        counts = {
            "authority_lowered": done.lowered,
            "disputed_there": done.disputed,
            "consents_left": done.consents,
        }
        click.echo(json.dumps(told | counts))
        return
    click.echo(f"person {done.person}: {done.values} values kept or known before")
    for each in left:
        click.echo("not kept: {attribute} of {source}: {reason}".format(**each))
    if done.lowered:
        click.echo(f"{done.lowered} values have the authority that their source may have here")
    if done.disputed:
        click.echo(f"{done.disputed} values are disputed there; the mark did not come along")
    click.echo(f"{done.consents} consents were not brought over: they hold for who got them")
