"""The service opened for tests: a house for its pages, offices for its programs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.database import open_engine
from service.app import create_app
from tests.schema import create_tables
from tests.service.house import FriendlyProvider, House, open_house
from tests.service.office import Office, open_office


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The service with people who sign in: for tests of the pages."""
    opened = open_house(tmp_path)
    yield opened
    opened.runtime.ledger.engine.dispose()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office that has done nothing yet."""
    yield from _on_sqlite(tmp_path)


@pytest.fixture
def each_office(engine: Engine, tmp_path: Path) -> Iterator[Office]:
    """The same on each database in turn."""
    opened = open_office(engine.url.render_as_string(hide_password=False), tmp_path)
    yield opened
    opened.runtime.close()


@pytest.fixture
def each_house(each_office: Office) -> House:
    """The pages of that office, on each database in turn; its person is Aino."""
    provider = FriendlyProvider()
    runtime = replace(each_office.runtime, identity_provider=provider)
    return House(runtime, create_app(runtime), each_office.clock, provider, {})


@pytest.fixture(scope="module")
def busy_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all tests of a module that neither move its clock nor look at its log."""
    # All its refusals fall into one minute.
    yield from _on_sqlite(tmp_path_factory.mktemp("office"), refusals_per_minute=10_000)


def _on_sqlite(folder: Path, **settings: int) -> Iterator[Office]:
    url = f"sqlite:///{folder / 'vault.db'}"
    engine = open_engine(url)
    create_tables(engine)
    engine.dispose()
    opened = open_office(url, folder, **settings)
    yield opened
    opened.runtime.close()
