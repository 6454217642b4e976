"""One running demo for all tests of a worker that only use it."""

from collections.abc import Iterator

import pytest

from tests.running import RunningDemo, running


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running(tmp_path_factory.mktemp("demo") / "data") as started:
        yield started
