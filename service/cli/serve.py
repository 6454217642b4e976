"""`consent-vault serve`: the service itself, with the settings of the environment."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.cli.listening import bound
from service.cli.place import data_option, runtime_of

if TYPE_CHECKING:
    from service.runtime import Runtime

_LAST_ANSWERS_SECONDS = 20
"""How long a stop waits for answers under way; supervisors kill after 30 s and more."""
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
@data_option
def serve(host: str, port: int, data: Path | None) -> None:
    """Answer requests until stopped; a proxy in front gives TLS."""
    from service.cli.starting import check_start

    check_start()
    with runtime_of(data) as runtime, bound(host, port, who="service") as place:
        _serve(runtime, place)


def _serve(runtime: "Runtime", place: socket.socket) -> None:
    import structlog
    import uvicorn

    from service.app import create_app

    config = uvicorn.Config(
        create_app(runtime),
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
    )
    server = uvicorn.Server(config)
    host, port = place.getsockname()[:2]
    log = structlog.get_logger(__name__)
    log.info("serving", host=host, port=port, base_url=runtime.settings.base_url)
    with suppress(KeyboardInterrupt):  # the server has ended in order by then
        server.run(sockets=[place])
    if not server.started:
        raise click.exceptions.Exit(_NOT_STARTED)
    log.info("stopped")
