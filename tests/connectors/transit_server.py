"""A small server that speaks the transit engine of Vault and OpenBao, from their API pages.

It holds keys in memory and does what theirs does with versions, minimums, trimming and associated
data; and it can be told to fail.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from tests.connectors.loopback import free_socket, serving

TOKEN = "hvs.of-a-test"
NAMESPACE = "team/vault"


class RefusedError(Exception):
    """The server answers with this status and says why."""

    def __init__(self, status: int, reason: str = "refused") -> None:
        super().__init__(reason)
        self.status = status


@dataclass
class Key:
    """A named key with its versions."""

    type: str = "aes256-gcm96"
    exportable: bool = False
    allow_plaintext_backup: bool = False
    derived: bool = False
    deletion_allowed: bool = False
    versions: dict[int, bytes] = field(default_factory=lambda: {1: os.urandom(32)})
    min_decryption_version: int = 1
    min_encryption_version: int = 0
    min_available_version: int = 0

    @property
    def latest(self) -> int:
        return max(self.versions)

    def told(self) -> dict[str, Any]:
        shown = {n: 1_700_000_000 for n in self.versions if n >= self.min_decryption_version}
        return {
            "type": self.type,
            "exportable": self.exportable,
            "allow_plaintext_backup": self.allow_plaintext_backup,
            "derived": self.derived,
            "deletion_allowed": self.deletion_allowed,
            "keys": {str(number): at for number, at in shown.items()},
            "latest_version": self.latest,
            "min_decryption_version": self.min_decryption_version,
            "min_encryption_version": self.min_encryption_version,
            "min_available_version": self.min_available_version,
        }

    def encrypt(self, body: dict[str, Any]) -> dict[str, Any]:
        version, nonce = body.get("key_version") or self.latest, os.urandom(12)
        if version not in self.versions or version < self.min_encryption_version:
            raise RefusedError(400, "requested version for encryption is not allowed")
        made = AESGCM(self.versions[version]).encrypt(nonce, *_plain_and_bound(body, "plaintext"))
        text = b64encode(nonce + made).decode()
        return {"ciphertext": f"vault:v{version}:{text}", "key_version": version}

    def decrypt(self, body: dict[str, Any]) -> dict[str, Any]:
        _, version, text = body["ciphertext"].split(":")
        number = int(version.removeprefix("v"))
        if number not in self.versions or number < self.min_decryption_version:
            raise RefusedError(400, "ciphertext version is disallowed by policy (too old)")
        sealed, bound = b64decode(text), b64decode(body["associated_data"])
        try:
            plain = AESGCM(self.versions[number]).decrypt(sealed[:12], sealed[12:], bound)
        except (InvalidTag, ValueError) as error:
            raise RefusedError(400, "cipher: message authentication failed") from error
        return {"plaintext": b64encode(plain).decode()}

    def rotate(self) -> None:
        self.versions[self.latest + 1] = os.urandom(32)

    def configure(self, body: dict[str, Any]) -> None:
        decryption = body.get("min_decryption_version", self.min_decryption_version)
        encryption = body.get("min_encryption_version", self.min_encryption_version)
        if max(decryption, encryption) > self.latest or 0 < encryption < decryption:
            raise RefusedError(400, "cannot set min version")
        self.min_decryption_version, self.min_encryption_version = decryption, encryption
        self.deletion_allowed = body.get("deletion_allowed", self.deletion_allowed)

    def trim(self, body: dict[str, Any]) -> None:
        least = body["min_available_version"]
        if self.min_encryption_version == 0 or least <= 0:
            raise RefusedError(400, "minimum available version cannot be set")
        if least > min(self.min_encryption_version, self.min_decryption_version):
            raise RefusedError(400, "minimum available version is too high")
        self.min_available_version = least
        self.versions = {number: key for number, key in self.versions.items() if number >= least}


def _plain_and_bound(body: dict[str, Any], name: str) -> tuple[bytes, bytes]:
    return b64decode(body[name]), b64decode(body["associated_data"])


@dataclass
class TransitServer:
    """The state of the server, for tests to look at and to change."""

    origin: str = ""
    mount: str = "transit"
    namespace: str | None = None
    token: str = TOKEN
    keys: dict[str, Key] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)
    """Statuses of the next answers, whatever is asked."""
    broken: str = ""
    """The server breaks down over this one."""
    saying: object = None
    """What the next answers hold as data instead of what they should."""

    def answer(
        self, request: Request, mount: str, path: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        self.asked.append(f"{request.method} {path}")
        if self.failing:
            raise RefusedError(self.failing.pop(0), "out of order; the token was " + self.token)
        if self.asked[-1] == self.broken:
            raise RefusedError(500)
        if mount != self.mount or request.headers.get("x-vault-namespace") != self.namespace:
            raise RefusedError(404)
        if request.headers.get("x-vault-token") != self.token:
            raise RefusedError(403, "permission denied")
        kind, _, rest = path.partition("/")
        name, _, step = rest.partition("/")
        return self._done(f"{request.method} {kind} {step}".strip(), name, body)

    def _done(self, what: str, name: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if what == "POST keys":
            self.keys.setdefault(name, Key(type=body["type"]))
            return self.keys[name].told()
        if name not in self.keys:
            raise RefusedError(404 if what == "GET keys" else 400, "key not found")
        return self._done_with(self.keys[name], what, name, body)

    def _done_with(
        self, key: Key, what: str, name: str, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        match what:
            case "GET keys":
                return key.told()
            case "POST encrypt":
                return key.encrypt(body)
            case "POST decrypt":
                return key.decrypt(body)
            case "POST keys rotate":
                key.rotate()
            case "POST keys config":
                key.configure(body)
            case "POST keys trim":
                key.trim(body)
            case "DELETE keys" if key.deletion_allowed:
                del self.keys[name]
            case _:
                raise RefusedError(400)
        return None


@contextmanager
def transit_server(**given: Any) -> Iterator[TransitServer]:
    """The server on a socket of this machine."""
    state = TransitServer(**given)
    app = FastAPI(openapi_url=None)

    @app.api_route("/v1/{mount}/{path:path}", methods=["GET", "POST", "DELETE"])
    async def any_path(request: Request, mount: str, path: str) -> Response:
        if state.saying is not None:
            return JSONResponse(state.saying)
        body = await request.json() if await request.body() else {}
        try:
            data = state.answer(request, mount, path, body)
        except RefusedError as refused:
            return JSONResponse({"errors": [str(refused)]}, refused.status)
        return Response(status_code=204) if data is None else JSONResponse({"data": data})

    with serving(app, free_socket()) as origin:
        state.origin = origin
        yield state
