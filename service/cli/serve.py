"""`consent-vault serve`: the service itself, with the settings of the environment."""

from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import data_option, settings_of


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8460, show_default=True, help="Port to listen on.")
@data_option
def serve(host: str, port: int, data: Path | None) -> None:
    """Answer requests until stopped; a proxy in front gives TLS."""
    import uvicorn

    from audit.database import open_engine
    from service.app import create_app
    from service.migrations.upgrade import current, head
    from service.package_names import ForeignPackageError, check_package_names
    from service.runtime import open_runtime

    try:
        check_package_names()
    except ForeignPackageError as error:
        raise Failure(
            f"The package {error.package} is not ours alone.",
            why=error.found,
            repair="install consent-vault into an environment of its own",
        ) from error
    settings = settings_of(data)
    engine = open_engine(settings.database_url)
    with engine.connect() as connection:
        found = current(connection)
    engine.dispose()
    if found != head():
        raise Failure(
            "The service was not started.",
            why=f"the database has {found or 'no tables'}, the program needs {head()}",
            repair="consent-vault db upgrade",
        )
    app = create_app(open_runtime(settings))
    uvicorn.run(app, host=host, port=port, access_log=False, server_header=False)
