"""The whole service, opened for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.house import House, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The service on an empty database, every purpose in force."""
    opened = open_house(tmp_path)
    yield opened
    opened.runtime.ledger.engine.dispose()
