"""`consent-vault export`: the copy of everything for a person who has asked for it on paper."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from service.cli.asking import asked_code, known_person, order_number
from service.cli.failure import Failure
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from uuid import UUID

    from service.portability.gathering import Copy
    from service.runtime import Runtime

NOTHING = "Nothing was exported."
FORMS = ("jws", "json", "jsonld", "html")


@click.command()
@click.argument("person", required=False, metavar="[PERSON]", type=click.UUID)
@click.option("--reference", required=True, help="Number of the request that asks for it.")
@click.option(
    "--output",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; a new file, readable by its owner only.",
)
@click.option("--form", type=click.Choice(FORMS), default="html", show_default=True)
@click.option("--language", type=click.Choice(["fi", "sv", "en"]), default="fi", show_default=True)
@data_option
def export(
    person: "UUID | None",
    reference: str,
    file: Path,
    form: str,
    language: str,
    data: Path | None,
) -> None:
    """Write the copy of everything about a person, who has asked for it on paper.

    PERSON is the number that the person has in this service; without it the identity code is asked
    for. It stands in the person's log with the number of the request.
    """
    from service.cli.operator import OPERATOR
    from service.portability.gathering import gather
    from vault.people import UnknownPersonError

    code = None if person else asked_code(NOTHING)
    with runtime_of(data) as runtime:
        case = order_number(reference, what_not=NOTHING)
        with runtime.ledger.read() as connection:
            known = known_person(connection, runtime, person, code, what_not=NOTHING)
        with _new(file) as opened:
            try:
                made = gather(runtime, known, actor=OPERATOR, case=case)
            except UnknownPersonError as error:
                raise Failure(
                    NOTHING,
                    why="nobody has this number here, or the person has been erased",
                    repair="leave the number out, and give the identity code when it is asked for",
                ) from error
            opened.write(_content(runtime, made, form, language))
    click.echo(f"{file}: {len(made.taken.statements)} values, {len(made.log)} lines of the log")


@contextmanager
def _new(file: Path) -> Iterator[BinaryIO]:
    """A file that was not there, opened before anything is recorded; gone again where it fails.

    Raises Failure.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Failure(
            NOTHING,
            why=f"{file}: {error.strerror}",
            repair="name a file that is not there yet, in a folder that you may write in",
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as opened:
            yield opened
    except BaseException:
        file.unlink()
        raise


def _content(runtime: "Runtime", copy: "Copy", form: str, language: str) -> bytes:
    import orjson

    from policies.vocabulary import Language
    from service.citizen.copy import signed
    from service.citizen.copy_page import page
    from service.portability.document import document
    from service.portability.linked import linked

    if form == "html":
        return page(runtime, copy, Language(language)).encode()
    if form == "jws":
        return signed(runtime, copy).encode("ascii")
    made = document(copy, runtime.settings.base_url)
    shown = linked(made, runtime.catalogue) if form == "jsonld" else made
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2)
