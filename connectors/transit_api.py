"""Calls to a Vault or OpenBao server (HTTP API v1): bounded in time, size and number.

Its texts are not passed on: an error says what status came, and what an operator can do.
"""

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx2

from audit.key_errors import KeysUnavailableError
from connectors.bounded_http import BoundedTransport, check_url

LARGEST_ANSWER = 262_144
TRIES = 3
PATH = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")
"""How mounts and namespaces are called here."""
BAD_REQUEST, NOT_FOUND = 400, 404
_NO_CONTENT, _FORBIDDEN, _UNAVAILABLE = 204, 403, 503
_PASSING = frozenset({412, 429, 500, 502, _UNAVAILABLE, 504})
"""Worth another try: a standby that is behind, a limit, a change of leader."""
_LOOK_AT_IT = "look at the key service and the way to it; nothing has to be changed here"


class TransitApi:
    """One engine of a server, with a token that is asked for at every call. Its repr hides it."""

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        *,
        mount: str = "transit",
        namespace: str | None = None,
        seconds: float = 5.0,
        pause: float = 0.1,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Raises InsecureUrlError."""
        base_url = f"{check_url(url).rstrip('/')}/v1/{mount}/"
        self._token = token
        self._pause = pause
        place = {} if namespace is None else {"X-Vault-Namespace": namespace}
        bounds = partial(BoundedTransport, limit=LARGEST_ANSWER, seconds=2 * seconds)
        self._new_client: Callable[[], httpx2.Client] = lambda: httpx2.Client(
            base_url=base_url,
            timeout=seconds,
            transport=transport or bounds(),
            headers={"X-Vault-Request": "true", "Accept-Encoding": "identity", **place},
        )
        self._client = self._new_client()

    def __repr__(self) -> str:
        return "TransitApi(token hidden)"

    def close(self) -> None:
        """Let go of the connection; the next call makes another one."""
        former, self._client = self._client, self._new_client()
        former.close()

    def read(self, path: str) -> Mapping[str, Any] | None:
        """What stands at the path; None when there is nothing. Raises KeysUnavailableError."""
        answer = self._answered("GET", path, None, TRIES)
        return None if answer.status_code == NOT_FOUND else _data(answer, path)

    def write(self, path: str, body: Mapping[str, Any], *, tries: int = TRIES) -> Mapping[str, Any]:
        """What the server makes of the body. Raises KeysUnavailableError."""
        return _data(self._answered("POST", path, body, tries), path)

    def ask(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The same; None when the server does not accept the body (400)."""
        answer = self._answered("POST", path, body, TRIES)
        return None if answer.status_code == BAD_REQUEST else _data(answer, path)

    def delete(self, path: str) -> None:
        """Nothing stands at the path any more. Raises KeysUnavailableError."""
        _data(self._answered("DELETE", path, None, TRIES), path)

    def _answered(
        self, method: str, path: str, body: Mapping[str, Any] | None, tries: int
    ) -> httpx2.Response:
        for wait in range(tries - 1):
            try:
                answer = self._request(method, path, body)
                if answer.status_code not in _PASSING:
                    return answer
            except httpx2.HTTPError:
                pass  # the last try tells
            time.sleep(self._pause * 2**wait)
        try:
            return self._request(method, path, body)
        except httpx2.HTTPError as error:
            raise _unavailable(f"does not answer: {type(error).__name__}") from error

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx2.Response:
        headers = {"X-Vault-Token": self._token()}
        return self._client.request(method, path, json=body, headers=headers)


def _data(answer: httpx2.Response, path: str) -> Mapping[str, Any]:
    if answer.status_code == _FORBIDDEN:
        raise KeysUnavailableError(
            "the key service refuses our token (status 403)",
            repair=f"give it a valid token whose policy allows {path}: see docs/operator.md",
        )
    if answer.status_code == _UNAVAILABLE:
        raise _unavailable("is sealed or stands by (status 503)")
    if not answer.is_success:
        raise _unavailable(f"answered with status {answer.status_code}")
    if answer.status_code == _NO_CONTENT:
        return {}
    try:
        data = answer.json()["data"]
    except (ValueError, KeyError, TypeError) as error:
        raise unintelligible() from error
    if not isinstance(data, dict):
        raise unintelligible()
    return data


def unintelligible() -> KeysUnavailableError:
    """The answer is none of a transit engine."""
    return KeysUnavailableError(
        "the key service gives an answer that is none of a transit engine",
        repair="compare the address and the mount in the settings with the service",
    )


def _unavailable(reason: str) -> KeysUnavailableError:
    return KeysUnavailableError(f"the key service {reason}", repair=_LOOK_AT_IT)
