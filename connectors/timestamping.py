"""A time-stamping authority over HTTP (RFC 3161 section 3.4)."""

import httpx2

from audit.timestamp import LARGEST_ANSWER
from connectors.bounded_http import BoundedTransport, check_url
from connectors.ports import TimestampingError

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
_OK = 200


class TimestampClient:
    """One authority, at one address. It is asked for nothing but a hash and holds nothing of us."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        seconds: float = 5.0,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Raises InsecureUrlError."""
        self.name = name
        self._url = check_timestamp_url(url)
        self._seconds = seconds
        self._transport = transport

    def answer(self, request: bytes) -> bytes:
        """What it answers, which proves nothing until it is verified. Raises TimestampingError."""
        try:
            with self._client() as client:  # an hour passes until the next one
                answer = client.post(self._url, content=request)
        except httpx2.HTTPError as error:
            raise TimestampingError(f"it does not answer: {type(error).__name__}") from error
        if answer.status_code != _OK:
            raise TimestampingError(f"it answered with status {answer.status_code}")
        if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != REPLY:
            raise TimestampingError("its answer is of another media type")
        return answer.content

    def _client(self) -> httpx2.Client:
        bounds = BoundedTransport(limit=LARGEST_ANSWER, seconds=2 * self._seconds)
        return httpx2.Client(
            timeout=self._seconds,
            transport=self._transport or bounds,
            headers={"Content-Type": QUERY, "Accept": REPLY, "Accept-Encoding": "identity"},
        )


def check_timestamp_url(url: str) -> str:
    """The URL, when it is one to ask for time stamps at. Raises InsecureUrlError.

    Many authorities have no https: what is asked is a hash of something public, and the answer is
    signed and holds our nonce, so that whoever stands between can only keep it back.
    """
    plain = "http://"
    if url.startswith(plain):
        check_url("https://" + url.removeprefix(plain))
    else:
        check_url(url)
    return url
