"""`consent-vault witness`: a witness of other people's logs, a program of its own."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.failure import Failure
from service.cli.listening import bound

if TYPE_CHECKING:
    from audit.cosignature import Cosigner
    from service.witness.store import WitnessState

_KEYS, _STATE = "keys", "witness.db"


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the witness: its keys and what it remembers.",
)
@click.option("--name", help="Name of the witness, a URL without scheme; for its first start.")
@click.option(
    "--log",
    "logs",
    multiple=True,
    metavar="VKEY",
    help="Key of a log to follow, once for each key. A log's bare name stands for its half-years.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8470,
    show_default=True,
    help="Port to listen on.",
)
@click.option("--show-keys", is_flag=True, help="Print the witness's own keys and end.")
def witness(
    data: Path, name: str | None, logs: tuple[str, ...], host: str, port: int, show_keys: bool
) -> None:
    """Cosign logs that only grow (C2SP tlog-witness), until stopped.

    Run it on a machine and under people of another organisation than the log's. A proxy in front
    gives TLS. Ask the log's operator for the keys: consent-vault audit vkeys.
    """
    from audit.note import NoteError
    from service.cli.starting import check_start, told
    from service.witness.keys import NoNameError, OtherNameError, open_cosigners

    check_start()
    try:
        with told():
            cosigners = open_cosigners(data / _KEYS, name)
    except NoNameError as error:
        raise Failure(
            "The witness was not started.",
            why="it has no name yet",
            repair="give it one for good: --name witness.example.org",
        ) from error
    except OtherNameError as error:
        raise Failure(
            "The witness was not started.",
            why=f"its name is {error.name}, and stays: its signatures are known by it",
            repair="leave --name out, or take another folder with --data for another witness",
        ) from error
    except NoteError as error:
        raise Failure(
            "The witness was not started.",
            why=f"the name cannot be used: {error}",
            repair="take a URL without scheme, for example witness.example.org",
        ) from error
    for cosigner in cosigners:
        click.echo(cosigner.vkey)
    if not show_keys:
        _serve(data, cosigners, logs, host, port)


def _serve(
    data: Path, cosigners: "tuple[Cosigner, ...]", logs: tuple[str, ...], host: str, port: int
) -> None:
    from datetime import UTC, datetime

    import uvicorn

    from audit.log_family import FollowedLogs
    from audit.note import NoteError
    from service.witness.app import Witness, create_witness_app

    if not logs:
        raise Failure(
            "The witness was not started.",
            why="it follows no log",
            repair="name a log's key with --log (consent-vault audit vkeys, at the log)",
        )
    try:
        followed = FollowedLogs.parse(logs)
    except NoteError as error:
        raise Failure(
            "The witness was not started.",
            why=f"a key after --log is none: {error}",
            repair="copy it whole, in quotes, from: consent-vault audit vkeys",
        ) from error
    with bound(host, port, who="witness") as place:
        state = _state(data / _STATE)
        app = create_witness_app(Witness(followed, cosigners, state, lambda: datetime.now(UTC)))
        config = uvicorn.Config(app, access_log=False, server_header=False, log_config=None)
        with suppress(KeyboardInterrupt):  # the server has ended in order by then
            uvicorn.Server(config).run(sockets=[place])
        state.close()


def _state(path: Path) -> "WitnessState":
    """What the witness remembers. Raises Failure."""
    from sqlalchemy.exc import DBAPIError

    from service.witness.store import WitnessState

    try:
        return WitnessState.open_or_create(path)
    except (DBAPIError, OSError) as error:
        raise Failure(
            "The witness was not started.",
            why=f"its memory {path} cannot be read",
            repair="bring back its newest copy; without one, begin a new witness with another"
            " folder and another name, so that none signs two histories",
        ) from error
