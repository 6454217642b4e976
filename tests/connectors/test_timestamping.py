"""Asking a time-stamping authority over HTTP: what it is asked, and each way of not answering."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx2
import pytest

from audit.timestamp import LARGEST_ANSWER, Request, TimestampError, check_answer
from connectors.bounded_http import InsecureUrlError
from connectors.demo_tsa.app import LARGEST_REQUEST, create_demo_tsa
from connectors.demo_tsa.authority import DemoTimestampAuthority, root_certificate
from connectors.ports import TimestampAuthority, TimestampingError
from connectors.timestamping import QUERY, REPLY, TimestampClient
from tests.authority import new_key
from tests.connectors.loopback import free_socket, origin, serving

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ROOT_KEY = new_key()
ROOT = root_certificate(ROOT_KEY, NOW)
URL = "https://time.example/tsa"
REQUEST = Request(b"a note\n", 2**64 - 1)


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """The authority of the demo on a socket."""
    authority = DemoTimestampAuthority.under(ROOT_KEY, new_key(), NOW)
    bound = free_socket()
    with serving(create_demo_tsa(authority, clock=lambda: NOW), bound):
        yield origin(bound) + "/"


def client(handle: Callable[[httpx2.Request], httpx2.Response]) -> TimestampClient:
    return TimestampClient("time", URL, transport=httpx2.MockTransport(handle))


def answered(status: int = 200, content: bytes = b"token", media_type: str = REPLY) -> str:
    """Why an answer counts for nothing; empty when it counts."""

    def handle(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=content, headers={"Content-Type": media_type})

    try:
        assert client(handle).answer(bytes(REQUEST)) == content
    except TimestampingError as error:
        return str(error)
    return ""


def test_the_authority_of_the_demo_stamps_over_http(place: str) -> None:
    asked: TimestampAuthority = TimestampClient("demo", place)
    answer = asked.answer(bytes(REQUEST))
    assert check_answer(answer, REQUEST, [ROOT], asked_at=NOW).at == NOW
    assert asked.name == "demo"


def test_what_is_no_request_is_refused_in_the_form_of_the_standard(place: str) -> None:
    for asked in (b"nonsense", b"\x30\x03\x02\x01\x01"):
        answer = TimestampClient("demo", place).answer(asked)
        with pytest.raises(TimestampError, match="status 2"):
            check_answer(answer, REQUEST, [ROOT], asked_at=NOW)


def test_the_request_is_posted_in_the_media_type_of_the_standard() -> None:
    seen: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, content=b"token", headers={"Content-Type": REPLY})

    client(handle).answer(bytes(REQUEST))
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["content-type"] == QUERY
    assert request.headers["accept"] == REPLY
    assert request.content == bytes(REQUEST)
    assert not {"cookie", "authorization"} & set(request.headers)


@pytest.mark.parametrize("media_type", [REPLY, REPLY.upper(), f"{REPLY}; charset=binary"])
def test_the_answer_is_taken_in_its_media_type(media_type: str) -> None:
    assert answered(media_type=media_type) == ""


@pytest.mark.parametrize("media_type", ["text/html", "application/timestamp-query", ""])
def test_an_answer_of_another_media_type_is_refused(media_type: str) -> None:
    assert "media type" in answered(media_type=media_type)


@pytest.mark.parametrize("status", [204, 301, 302, 307, 400, 404, 429, 500, 503])
def test_another_status_is_no_answer_and_a_redirect_is_not_followed(status: int) -> None:
    assert answered(status) == f"it answered with status {status}"


@pytest.mark.parametrize("failure", [httpx2.ConnectError, httpx2.ReadTimeout])
def test_whoever_does_not_answer_is_told_by_the_kind_of_failure_only(
    failure: type[httpx2.TransportError],
) -> None:
    def handle(_: httpx2.Request) -> httpx2.Response:
        raise failure("the text of an error that nobody should see")

    with pytest.raises(TimestampingError) as error:
        client(handle).answer(bytes(REQUEST))
    assert str(error.value) == f"it does not answer: {failure.__name__}"


def test_an_answer_that_is_too_large_or_never_ends_is_cut_off() -> None:
    async def app(scope: object, _receive: object, send: Callable[[object], object]) -> None:
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-type", REPLY.encode())]})  # type: ignore[misc]  # any ASGI send
        for _ in range(3):
            part = b"x" * (LARGEST_ANSWER // 2)
            await send({"type": "http.response.body", "body": part, "more_body": True})  # type: ignore[misc]  # any ASGI send

    bound = free_socket()
    with serving(app, bound), pytest.raises(TimestampingError, match="UnboundedAnswerError"):
        TimestampClient("large", origin(bound)).answer(bytes(REQUEST))


@pytest.mark.parametrize("url", ["https://time.example/", "http://time.example:8080/tsr"])
def test_an_authority_needs_no_https_since_its_answer_is_signed(url: str) -> None:
    assert TimestampClient("time", url).name == "time"


@pytest.mark.parametrize(
    "url", ["ftp://time.example/", "http://user@time.example/", "http:///tsa", "time.example", ""]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InsecureUrlError):
        TimestampClient("time", url)


@pytest.mark.parametrize(
    ("media_type", "content", "status"),
    [("text/plain", b"x", 415), (QUERY, b"x" * (LARGEST_REQUEST + 1), 413)],
)
def test_the_demo_reads_nothing_but_small_requests(
    place: str, media_type: str, content: bytes, status: int
) -> None:
    answer = httpx2.post(place, content=content, headers={"Content-Type": media_type})
    assert answer.status_code == status
