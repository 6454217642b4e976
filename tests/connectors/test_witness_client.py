"""A witness over HTTP: what it answers, and what it answers when something is wrong."""

from collections.abc import Callable

import httpx2
import pytest

from audit.witnessing import WitnessError, WitnessKnowsOtherSizeError
from connectors.bounded_http import InsecureUrlError
from connectors.witness_client import WitnessClient

URL = "https://w.example/witness"
HASH = "ab" * 32


def client(answer: Callable[[httpx2.Request], httpx2.Response]) -> WitnessClient:
    return WitnessClient("W", URL, [], transport=httpx2.MockTransport(answer))


def always(status: int, text: str = "") -> WitnessClient:
    return client(lambda _: httpx2.Response(status, text=text))


def test_a_checkpoint_is_posted_to_the_submission_prefix() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=b"lines\n")

    with_prefix = client(answer)
    assert with_prefix.add_checkpoint(b"old 0\n\n") == b"lines\n"
    assert with_prefix.checkpoint(HASH) == b"lines\n"
    with_prefix.close()
    assert [(each.method, str(each.url)) for each in asked] == [
        ("POST", f"{URL}/add-checkpoint"),
        ("GET", f"{URL}/{HASH}/checkpoint"),
    ]
    assert asked[0].content == b"old 0\n\n"
    assert asked[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("size", [0, 7, 10**18])
def test_a_conflict_names_the_size_that_the_witness_knows(size: int) -> None:
    with pytest.raises(WitnessKnowsOtherSizeError) as refused:
        always(409, f"{size}\n").add_checkpoint(b"")
    assert refused.value.known == size


@pytest.mark.parametrize(
    "text", ["", "7", "07\n", "-7\n", "7\n7\n", "seven\n", "٧\n", "9" * 20 + "\n"]
)
def test_a_conflict_without_a_size_is_an_error(text: str) -> None:
    with pytest.raises(WitnessError, match="409 without a size"):
        always(409, text).add_checkpoint(b"")


@pytest.mark.parametrize("status", [301, 400, 403, 404, 422, 429, 500, 503])
def test_another_status_is_an_error_that_names_it_and_nothing_of_the_answer(status: int) -> None:
    with pytest.raises(WitnessError, match=f"status {status}") as refused:
        always(status, "secret").add_checkpoint(b"")
    assert "secret" not in str(refused.value)


def test_a_log_that_the_witness_never_cosigned_has_no_checkpoint() -> None:
    assert always(404).checkpoint(HASH) is None


@pytest.mark.parametrize("status", [302, 500])
def test_a_checkpoint_that_cannot_be_read_is_an_error(status: int) -> None:
    with pytest.raises(WitnessError, match=f"status {status}"):
        always(status).checkpoint(HASH)


@pytest.mark.parametrize(
    "error", [httpx2.ConnectTimeout, httpx2.ReadTimeout, httpx2.ConnectError, httpx2.ReadError]
)
def test_a_witness_that_does_not_answer_is_an_error_that_says_how(
    error: type[httpx2.TransportError],
) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise error("secret", request=request)

    with pytest.raises(WitnessError, match=error.__name__) as refused:
        client(fail).add_checkpoint(b"")
    assert "secret" not in str(refused.value)
    with pytest.raises(WitnessError, match=error.__name__):
        client(fail).checkpoint(HASH)


@pytest.mark.parametrize("url", ["http://w.example", "ftp://w.example", "https://u:p@w.example"])
def test_an_address_that_is_not_encrypted_is_refused(url: str) -> None:
    with pytest.raises(InsecureUrlError):
        WitnessClient("W", url, [])


def test_a_witness_on_this_machine_may_be_reached_without_encryption() -> None:
    WitnessClient("W", "http://127.0.0.1:8470", []).close()
