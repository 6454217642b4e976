"""`consent-vault serve`: the service itself, with the settings of the environment.

With `--workers` several processes of one machine serve one PostgreSQL database at one address: the
first process only binds the address, starts the others, starts one anew that has died, and stops
them in order (service.cli.workers).
"""

import socket
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.failure import Failure
from service.cli.listening import bound
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from service.runtime import Runtime

_NOT_STARTED = 3
"""Exit code when the application did not come up; its own log line stands above."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8460,
    show_default=True,
    help="Port to listen on.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="So many processes serve together; more than one on PostgreSQL only.",
)
@data_option
def serve(host: str, port: int, workers: int, data: Path | None) -> None:
    """Answer requests until stopped; a proxy in front gives TLS."""
    from service.cli.starting import check_start

    check_start()
    if workers > 1:
        _serve_together(host, port, workers, data)
        return
    with runtime_of(data) as runtime, bound(host, port, who="service") as place:
        _catch_up(runtime)
        _serve(runtime, place)


def _serve_together(host: str, port: int, workers: int, data: Path | None) -> None:
    from service.cli.workers import serve_together

    with runtime_of(data) as runtime:  # what is wrong is told once, and first keys are made once
        if runtime.ledger.engine.dialect.name == "sqlite":
            raise Failure(
                "SQLite serves one process.",
                why="it lets one writer in at a time, and what one worker remembers of the database"
                " the others would not know",
                repair="leave --workers out, or move to PostgreSQL (docs/operator.md)",
            )
        base_url = runtime.settings.base_url
        _catch_up(runtime)
    with bound(host, port, who="service") as place:
        if not serve_together(place, workers, data, base_url=base_url):
            raise click.exceptions.Exit(_NOT_STARTED)


def _catch_up(runtime: "Runtime") -> None:
    """Nobody is served by an older copy of the database before it knows what has ended since."""
    from service.behind import catch_up
    from service.cli.starting import replay_told

    with replay_told("Nobody can be served."):
        catch_up(runtime)


def _serve(runtime: "Runtime", place: socket.socket) -> None:
    import structlog
    import uvicorn

    from service.app import create_app
    from service.cli.workers import OPTIONS
    from service.memory import guard_memory

    server = uvicorn.Server(uvicorn.Config(create_app(runtime), **OPTIONS))
    host, port = place.getsockname()[:2]
    log = structlog.get_logger(__name__)
    log.info("serving", host=host, port=port, base_url=runtime.settings.base_url)
    log.info("memory", **asdict(guard_memory()))
    with suppress(KeyboardInterrupt):  # the server has ended in order by then
        server.run(sockets=[place])
    if not server.started:
        raise click.exceptions.Exit(_NOT_STARTED)
    log.info("stopped")
