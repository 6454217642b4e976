"""`consent-vault demo`: everything at once, with invented people."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from service.cli.failure import Failure
from service.cli.place import DEMO_FOLDER


@click.group(invoke_without_command=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEMO_FOLDER,
    show_default=True,
    help="Folder that the demo makes for itself.",
)
@click.option("--port", type=click.IntRange(1024, 65_000), default=8460, show_default=True)
@click.option("--open", "open_browser", is_flag=True, help="Open the first page in a browser.")
@click.option("--database", metavar="URL", help="An empty PostgreSQL database instead of SQLite.")
@click.pass_context
def demo(
    context: click.Context, data: Path, port: int, open_browser: bool, database: str | None
) -> None:  # fmt: skip
    """Start the whole service with invented people, agencies and an identity provider.

    Nothing else is needed. A second start goes on with the same data.
    """
    context.obj = data
    if context.invoked_subcommand is not None:
        return
    from service.cli.starting import check_start
    from service.demo.run import demo_in
    from service.memory import guard_memory

    check_start()
    guard_memory()
    with _told(data):
        demo_in(data, database_url=database, say=click.echo).run(
            port=port, open_browser=open_browser
        )


@contextmanager
def _told(data: Path) -> Iterator[None]:
    """Turn what can be wrong with a demo into a Failure."""
    from service.cli.starting import told
    from service.demo.folder import FolderInUseError, ForeignFolderError
    from service.demo.ports import NoPortError
    from service.demo.run import ForeignDatabaseError
    from service.demo.servers import ServerFailedError

    try:
        with told():
            yield
    except ForeignFolderError as error:
        raise Failure(
            f"The demo was not started in {data}.",
            why="the folder holds something that no demo made",
            repair="name an empty folder with --data",
        ) from error
    except FolderInUseError as error:
        raise Failure(
            "The demo was not started.",
            why=f"one runs on {data} already",
            repair="use that one, stop it with Ctrl+C, or name another folder with --data",
        ) from error
    except ServerFailedError as error:
        raise Failure(
            "The demo did not come up.",
            why="a server ended while it started; its line stands above",
            repair="run consent-vault doctor on the folder, or start afresh in an empty one",
        ) from error
    except ForeignDatabaseError as error:
        raise Failure(
            "The demo was not started on this database.",
            why="it holds an installation that this demo did not make",
            repair="name an empty database with --database",
        ) from error
    except NoPortError as error:
        raise Failure(
            "The demo was not started.",
            why=f"the ports {error.first} to {error.last} are all busy",
            repair="stop a program that uses one of them, or name another port with --port",
        ) from error


@demo.command()
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of the demo."
)
@click.pass_obj
def reset(parent: Path, data: Path | None) -> None:
    """Remove the demo's folder with everything in it."""
    from service.demo.folder import DemoFolder, FolderInUseError, ForeignFolderError

    folder = data or parent
    try:
        DemoFolder(folder).remove()
    except FolderInUseError as error:
        raise Failure(
            f"{folder} was left alone.",
            why="a demo runs on it",
            repair="stop it with Ctrl+C where it runs, then run this again",
        ) from error
    except ForeignFolderError as error:
        raise Failure(
            f"{folder} was left alone.",
            why="it holds something that no demo made",
            repair=f"look into it, and remove it yourself: rm -r {shlex.quote(str(folder))}",
        ) from error
    click.echo(f"removed {folder}; start afresh with: consent-vault demo")
