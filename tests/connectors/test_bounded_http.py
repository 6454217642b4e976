"""Answers of others have an end: in bytes and in time."""

import time
from collections.abc import Iterator

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from connectors.bounded_http import (
    BoundedTransport,
    InsecureUrlError,
    UnboundedAnswerError,
    check_url,
)
from tests.connectors.loopback import free_socket, serving

app = FastAPI(openapi_url=None)


@app.get("/drip")
def drip() -> StreamingResponse:
    def drops() -> Iterator[bytes]:
        for _ in range(50):
            time.sleep(0.05)
            yield b"x"

    return StreamingResponse(drops())


@app.get("/flood")
def flood() -> StreamingResponse:
    return StreamingResponse(b"x" * 1000 for _ in range(100))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(app, free_socket()) as origin:
        yield origin


def client(*, limit: int = 10_000, seconds: float = 5) -> httpx2.Client:
    return httpx2.Client(transport=BoundedTransport(limit=limit, seconds=seconds))


def test_an_answer_within_the_bounds_is_read(server: str) -> None:
    with client(limit=100_000) as bounded:
        assert len(bounded.get(f"{server}/flood").content) == 100_000


def test_an_answer_that_is_too_large_is_cut_off(server: str) -> None:
    with client() as bounded, pytest.raises(UnboundedAnswerError, match="too large"):
        bounded.get(f"{server}/flood")


def test_an_answer_that_drips_is_cut_off(server: str) -> None:
    with client(seconds=0.3) as bounded, pytest.raises(UnboundedAnswerError, match="too slow"):
        bounded.get(f"{server}/drip")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.fi/x?y=z",
        "https://xn--hjas-moa.example:8443",
        "http://127.0.0.1:8461",
        "http://[::1]/",
        "http://localhost/",
    ],
)
def test_https_and_this_machine_are_allowed(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.fi/",
        "http://127.0.0.1.example.fi/",
        "http://127.0.0.1@example.fi/",
        "https:///x",
        "https://[::1",
        "https://example.fi:0/",
        "https://example.fi:65536/",
        "https://exam ple.fi/",
        "https://-example.fi/",
        "https://example..fi/",
        "https://user@example.fi/",
        "https://example.fi/#part",
        "https://example.fi/#",
        "https://example.fi/\0",
        "https://\u0661.fi/",
        "https://" + 64 * "x" + ".fi/",
        "https://example.fi/" + 70_000 * "x",
        "ftp://127.0.0.1/",
        "javascript:alert(1)",
        "",
    ],
)
def test_every_other_address_is_refused(url: str) -> None:
    with pytest.raises(InsecureUrlError):
        check_url(url)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.9.9.9",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "LocalHost",
        "x.localhost",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_this_machine_is_refused_where_somebody_else_names_it(scheme: str, host: str) -> None:
    url = f"{scheme}://{host}:8461/"
    assert check_url(url) == url
    with pytest.raises(InsecureUrlError, match="is this machine"):
        check_url(url, allow_loopback=False)


def test_a_refusal_does_not_repeat_the_address() -> None:
    with pytest.raises(InsecureUrlError) as refusal:
        check_url("https://user:hush@example.fi/")
    assert "hush" not in str(refusal.value)
