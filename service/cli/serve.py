"""`consent-vault serve`: the service itself, with the settings of the environment."""

from pathlib import Path

import click

from service.cli.place import data_option, runtime_of


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8460, show_default=True, help="Port to listen on.")
@data_option
def serve(host: str, port: int, data: Path | None) -> None:
    """Answer requests until stopped; a proxy in front gives TLS."""
    import uvicorn

    from service.app import create_app
    from service.cli.starting import check_start

    check_start()
    with runtime_of(data) as runtime:
        app = create_app(runtime)
        uvicorn.run(
            app, host=host, port=port, access_log=False, server_header=False, log_config=None
        )
