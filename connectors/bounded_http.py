"""HTTP towards systems that are not ours: every answer has a bounded size and a bounded time.

httpx2's timeout counts from byte to byte, so a peer that sends one byte a second could hold a
worker for hours; the transport here ends the whole answer. Redirects are not followed, and
compressed answers are refused, since a small one may unpack to a very large one.
"""

import ssl
import time
from collections.abc import Iterator
from functools import cache
from urllib.parse import urlsplit

import httpx2

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class UnboundedAnswerError(httpx2.TransportError):
    """The answer is too large, too slow or compressed."""


class InsecureUrlError(ValueError):
    """The URL is neither https nor on this machine."""


class BoundedTransport(httpx2.BaseTransport):
    """An HTTP transport that ends answers beyond `limit` bytes or `seconds`."""

    def __init__(self, *, limit: int, seconds: float, proxy: str | None = None) -> None:
        self._inner = httpx2.HTTPTransport(verify=_trust(), proxy=proxy)
        self._limit = limit
        self._seconds = seconds

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        deadline = time.monotonic() + self._seconds
        answer = self._inner.handle_request(request)
        if answer.headers.get("content-encoding", "identity") != "identity":
            answer.close()
            raise UnboundedAnswerError("the answer is compressed")
        return httpx2.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_BoundedStream(answer, self._limit, deadline),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._inner.close()


class _BoundedStream(httpx2.SyncByteStream):
    def __init__(self, answer: httpx2.Response, limit: int, deadline: float) -> None:
        self._answer = answer
        self._limit = limit
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        read = 0
        for part in self._answer.iter_raw():
            read += len(part)
            if read > self._limit:
                raise UnboundedAnswerError("the answer is too large")
            if time.monotonic() > self._deadline:
                raise UnboundedAnswerError("the answer is too slow")
            yield part

    def close(self) -> None:
        self._answer.close()


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that we trust, read once: reading them takes longer than a call."""
    return httpx2.create_ssl_context()


def check_url(url: str) -> str:
    """The URL, when it is https or plain http to this machine (a demo, a test)."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return url
    raise InsecureUrlError(parts.scheme)
