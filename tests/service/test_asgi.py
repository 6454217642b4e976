"""Reading a request: bounded, and whole or not at all."""

from collections.abc import Iterator
from typing import Any

from service.asgi import MAX_BODY_BYTES, read_call
from service.exchange import Call
from tests.own_loop import run_alone

SCOPE = {"method": "POST", "path": "/oauth/token", "headers": [], "query_string": b""}


def read(*messages: dict[str, Any]) -> Call:
    coming: Iterator[dict[str, Any]] = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(coming)

    return run_alone(read_call(SCOPE, receive))


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_is_put_together() -> None:
    assert read(part(b"a=", more=True), part(b"b", more=False)).body == b"a=b"


def test_a_body_that_is_too_large_is_read_no_further_than_that_shows() -> None:
    call = read(part(b"x" * MAX_BODY_BYTES, more=True), part(b"yz", more=True))
    assert len(call.body) == MAX_BODY_BYTES + 1


def test_half_a_body_has_no_effect() -> None:
    """The caller went away: what came may look like a shorter request."""
    assert read(part(b"token=ab", more=True), {"type": "http.disconnect"}).body == b""
