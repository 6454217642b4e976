"""A request and its answer as machine endpoints see them, without a framework.

The endpoints of programs are plain functions from `Call` to `Answer`. They run the same way behind
FastAPI, in the bare ASGI front of the hot paths, and in a test.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

Headers = list[tuple[bytes, bytes]]
JSON = b"application/json"
NO_STORE = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. Its repr shows neither header nor body."""

    method: str
    path: str
    headers: Headers = field(repr=False)
    query: bytes = field(default=b"", repr=False)
    body: bytes = field(default=b"", repr=False)

    def values(self, name: bytes) -> list[str]:
        """Every value of a header field; the name in lower case."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = field(repr=False)
    headers: Headers

    @classmethod
    def json(
        cls,
        content: Mapping[str, object],
        status: int = 200,
        *,
        headers: tuple[tuple[bytes, bytes], ...] = (NO_STORE,),
        media_type: bytes = JSON,
    ) -> "Answer":
        """JSON, not stored by anybody unless the headers say otherwise."""
        return cls(status, orjson.dumps(content), [(b"content-type", media_type), *headers])


Endpoint = Callable[[Call], Answer]
