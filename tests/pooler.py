"""A real PgBouncer in transaction mode before a test's PostgreSQL: each transaction gets whichever
session of the server is free."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

PROGRAM = "pgbouncer"
_STARTS_WITHIN = 20.0
_POOL = "vault"
_CONFIGURATION = """\
[databases]
{pool} = {target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {sessions}
"""


@contextmanager
def pooler(server: URL, folder: Path, *, sessions: int = 3) -> Iterator[URL]:
    """The URL of the pooler before this server, whose schema stands in the URL's options."""
    if shutil.which(PROGRAM, path=_path()) is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the tests behind a pooler must run here and there is no PgBouncer")
        pytest.skip("there is no PgBouncer here: install the package pgbouncer to run this test")
    port = _free_port()
    file = folder / "pgbouncer.ini"
    file.write_text(
        _CONFIGURATION.format(pool=_POOL, target=_target(server), port=port, sessions=sessions)
    )
    for each in (folder, file):
        each.chmod(0o755)  # as root, it runs as a user of its own
    as_user = ["-u", _user(server)] if os.geteuid() == 0 else []
    log = folder / "pgbouncer.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [PROGRAM, *as_user, str(file)],
            env={"PATH": _path()},
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd="/",
        )
    try:
        _wait_for(port, process, log)
        yield URL.create("postgresql+psycopg", "vault", host="127.0.0.1", port=port, database=_POOL)
    finally:
        process.terminate()
        process.wait(20)


def _user(server: URL) -> str:
    """Somebody who is not root, and who may enter the folder of the server's socket."""
    place = Path(str(server.query.get("host", "/nonexistent")))
    return place.owner() if place.is_dir() else "nobody"


def _target(server: URL) -> str:
    """A session that the pooler opens is the role's and looks into the test's schema."""
    schema = str(server.query["options"]).removeprefix("-csearch_path=")
    host = server.host or server.query.get("host")
    members = {
        "host": host,
        "port": server.port,
        "dbname": server.database,
        "user": server.username,
        "password": server.password,
        "connect_query": f"'SET search_path = {schema}'",
    }
    return " ".join(f"{name}={value}" for name, value in members.items() if value is not None)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PgBouncer did not start:\n{log.read_text()}")
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/sbin"
