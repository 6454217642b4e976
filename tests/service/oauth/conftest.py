"""An office on each database in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.service.office import Office, open_office


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Iterator[Office]:
    """The service on each engine, with an office that has done nothing yet."""
    opened = open_office(engine.url.render_as_string(hide_password=False), tmp_path)
    yield opened
    opened.runtime.close()
