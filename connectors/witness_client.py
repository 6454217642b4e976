"""A witness of our log over HTTP (C2SP tlog-witness v1.0.0), for `audit.witnessing`."""

import re
from collections.abc import Collection

import httpx2

from audit.cosignature import CosignatureVerifier
from audit.witnessing import WitnessError, WitnessKnowsOtherSizeError
from connectors.bounded_http import BoundedTransport, check_url

LARGEST_ANSWER = 262_144
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n")
_OK, _NOT_FOUND, _CONFLICT = 200, 404, 409


class WitnessClient:
    """One witness. Submission and monitoring prefix are the same address."""

    def __init__(
        self,
        name: str,
        url: str,
        verifiers: Collection[CosignatureVerifier],
        *,
        seconds: float = 5.0,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Raises InsecureUrlError."""
        self.name = name
        self.verifiers = tuple(verifiers)
        self._client = httpx2.Client(
            base_url=check_url(url).rstrip("/") + "/",
            timeout=seconds,
            transport=transport or BoundedTransport(limit=LARGEST_ANSWER, seconds=2 * seconds),
            headers={"Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def add_checkpoint(self, body: bytes) -> bytes:
        """Its signature lines. Raises WitnessError."""
        answer = self._call("POST", "add-checkpoint", body)
        if answer.status_code == _CONFLICT:
            size = _SIZE.fullmatch(answer.text)
            if size is None:
                raise WitnessError("it answered 409 without a size")
            raise WitnessKnowsOtherSizeError(int(size[1]))
        if answer.status_code != _OK:
            raise WitnessError(f"it answered with status {answer.status_code}")
        return answer.content

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """What it cosigned last for a log. Raises WitnessError."""
        answer = self._call("GET", f"{origin_hash}/checkpoint")
        if answer.status_code == _NOT_FOUND:
            return None
        if answer.status_code != _OK:
            raise WitnessError(f"it answered with status {answer.status_code}")
        return answer.content

    def _call(self, method: str, path: str, body: bytes | None = None) -> httpx2.Response:
        try:
            return self._client.request(method, path, content=body)
        except httpx2.HTTPError as error:
            raise WitnessError(f"it does not answer: {type(error).__name__}") from error
