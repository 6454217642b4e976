"""Bodies at the limit and beyond it, with and without a declared length."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from service.body_limit import BodyLimit

MOST = 100


def refuse(_request: Request) -> Response:
    return PlainTextResponse("refused by its length", 413)


@pytest.fixture
def client() -> TestClient:
    async def length(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    limit = Middleware(BodyLimit, most=MOST, refusal=refuse)
    app = Starlette(routes=[Route("/", length, methods=["POST"])], middleware=[limit])
    return TestClient(app)


def in_parts(size: int) -> Iterator[bytes]:
    """A body of that size without a declared length."""
    yield from (b"a" for _ in range(size))


@pytest.mark.parametrize("size", [0, 1, MOST])
def test_what_is_within_the_limit_arrives_whole(client: TestClient, size: int) -> None:
    assert client.post("/", content=b"a" * size).text == str(size)
    assert client.post("/", content=in_parts(size)).text == str(size)


@pytest.mark.parametrize("size", [MOST + 1, 100 * MOST])
def test_what_says_that_it_is_too_large_is_refused_before_it_is_read(
    client: TestClient, size: int
) -> None:
    answer = client.post("/", content=b"a" * size)
    assert (answer.status_code, answer.text) == (413, "refused by its length")


@pytest.mark.parametrize("size", [MOST + 1, 100 * MOST])
def test_what_does_not_say_it_is_refused_while_it_is_read(client: TestClient, size: int) -> None:
    answer = client.post("/", content=in_parts(size))
    assert answer.status_code == 413
    assert "refused by its length" not in answer.text


def test_the_largest_of_two_lengths_counts(client: TestClient) -> None:
    headers = [("content-length", "1"), ("content-length", str(MOST + 1))]
    assert client.post("/", content=b"a", headers=headers).status_code == 413


@pytest.mark.parametrize("length", ["", "x", "-1", "1e9"])
def test_a_length_that_is_no_number_is_not_believed(client: TestClient, length: str) -> None:
    headers = {"content-length": length}
    assert client.post("/", content=b"aa", headers=headers).text == "2"
