"""The short way gives what the long way gives, and passes on what is not its own."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.front import Front
from tests.service.house import House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    opened = open_house(tmp_path_factory.mktemp("house"))
    yield opened
    opened.runtime.close()


@pytest.fixture(scope="module")
def without_front(house: House) -> TestClient:
    """The application with the short way taken out."""
    app = create_app(house.runtime)
    front: object = Front
    app.user_middleware = [each for each in app.user_middleware if each.cls != front]
    assert len(app.user_middleware) > 2
    return TestClient(app, base_url=house.runtime.settings.base_url, follow_redirects=False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/oauth/token"),
        ("GET", "/oauth/token"),
        ("GET", "/api/v1/data/income"),
        ("GET", "/api/v1/data/no-such"),
        ("GET", "/api/v1/data"),
        ("GET", "/api/v1/data/"),
        ("POST", "/api/v1/data/income"),
        ("GET", "/api/v1/data/a/b"),
    ],
)
def test_both_ways_answer_alike(
    house: House, without_front: TestClient, method: str, path: str
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    short = house.visitor().request(method, path, headers=headers)
    long = without_front.request(method, path, headers=headers)
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert dict(short.headers) == dict(long.headers)
