"""HTTP towards systems that are not ours: every answer has a bounded size and a bounded time.

httpx2's timeout counts from byte to byte, so a peer that sends one byte a second could hold a
worker for hours; the transport here ends the whole body. (The headers before it have httpx2's
limits alone: the timeout between two bytes, and 100 KiB in all.) Redirects are not followed, and
compressed answers are refused, since a small one may unpack to a very large one.
"""

import re
import ssl
import time
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address

import httpx2

_HOST_NAME = re.compile(r"(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)*(?!-)[a-z0-9-]{1,63}(?<!-)")
"""RFC 1123 section 2.1. Names outside ASCII come as A-labels (RFC 5890)."""
_LAST_PORT = 65_535


class UnboundedAnswerError(httpx2.TransportError):
    """The answer is too large, too slow or compressed."""


class InsecureUrlError(ValueError):
    """The URL is no address that we call or send anybody to; says why, and not which it was."""


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


def check_url(url: str, *, allow_loopback: bool = True) -> str:
    """The URL, when it is https, or plain http to this machine (a demo, a test).

    With `allow_loopback` false this machine is refused under https as well: the address came
    from somebody else, who could otherwise have us call what listens on this machine alone.
    """
    # Read by the client's own parser: a check by another one would be about another address.
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise InsecureUrlError("is no URL") from None
    host = parts.raw_host.decode("ascii")
    if parts.userinfo or "#" in url or not _is_host(host):
        raise InsecureUrlError("has a password, a fragment or no host")
    if parts.port is not None and not 0 < parts.port <= _LAST_PORT:
        raise InsecureUrlError("has an impossible port")
    if is_loopback(host):
        if not allow_loopback or parts.scheme not in {"http", "https"}:
            raise InsecureUrlError("is this machine")
    elif parts.scheme != "https":
        raise InsecureUrlError("is not https")
    return url


def is_loopback(host: str) -> bool:
    """Whether the host is this machine (RFC 6761 section 6.3, RFC 6890 section 2.2)."""
    if _is_address(host):
        address = ip_address(host)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback or address.is_unspecified
    return host == "localhost" or host.endswith(".localhost")


def _is_host(host: str) -> bool:
    return _is_address(host) or bool(_HOST_NAME.fullmatch(host))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
