"""Servers to kill: one parent for each worker of the run, an installation for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.faults.installation import Installation
from tests.faults.lives import Lives, lives
from tests.service.office import open_office


@pytest.fixture(scope="session")
def server_lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    """The parent of all servers of this worker."""
    with lives(tmp_path_factory.mktemp("servers") / "errors.log") as made:
        yield made


@pytest.fixture
def installation(engine: Engine, tmp_path: Path, server_lives: Lives) -> Iterator[Installation]:
    """An installation on each database in turn, with a server that answers."""
    url = engine.url.render_as_string(hide_password=False)
    made = Installation(open_office(url, tmp_path), server_lives)
    made.begin()
    yield made
    if server_lives.living:
        made.end()
    made.office.runtime.close()
