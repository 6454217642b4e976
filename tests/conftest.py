"""What every test may ask for: a ledger on each of the two databases, and a browser.

PostgreSQL is a real server from a wheel, started once for a run, unless
CONSENT_VAULT_TEST_DATABASE_URL names another one. Each test has a schema of its own. The browser
is the machine's Chromium; a run with CI=true fails without one, elsewhere its tests are skipped.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Engine

from audit.database import open_engine
from audit.unit_of_work import Ledger
from tests.postgres import postgresql_server, schema_of_its_own
from tests.schema import create_tables
from tests.softhsm import BY_GCM, SoftToken, soft_token
from tests.wrapping import MemoryWrapper

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
    with postgresql_server(durable=False) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_schema(postgresql_url: str) -> Iterator[str]:
    """The URL of one empty schema for a whole run, for a server that lives as long."""
    with schema_of_its_own(postgresql_url) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database without tables, on each engine in turn."""
    if request.param == "sqlite":
        opened = open_engine(f"sqlite:///{tmp_path / 'vault.db'}")
        yield opened
        opened.dispose()
    else:
        with schema_of_its_own(request.getfixturevalue("postgresql_url")) as url:
            opened = open_engine(url)
            yield opened
            opened.dispose()


@pytest.fixture
def engine(empty_engine: Engine) -> Engine:
    """An empty database with all tables, on each engine in turn."""
    create_tables(empty_engine)
    return empty_engine


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """A ledger on each engine in turn, with log keys wrapped by a key in memory."""
    return Ledger(engine, MemoryWrapper())


@pytest.fixture
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftToken]:
    """A PKCS#11 token of its own, in software, that can do all that such tokens can."""
    with soft_token(tmp_path_factory.mktemp("token"), BY_GCM) as made:
        yield made


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
