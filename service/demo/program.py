"""The program of a demo agency: redeems its code and fetches, over HTTP like anybody else's.

It knows the vault by its published endpoints only (FAPI 2.0: `private_key_jwt`, DPoP, PKCE).
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from jwt.algorithms import ECAlgorithm

from service.demo.agencies import verifier

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class RefusedError(Exception):
    """The vault said no; `reason` is what it answered."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and what it opens."""

    value: str = field(repr=False)
    attributes: tuple[str, ...]


class AgencyProgram:
    """One agency's client, with its key and one DPoP key for as long as it runs."""

    def __init__(self, agency: Mapping[str, Any], redirect_uri: str) -> None:
        self.issuer: str = agency["issuer"]
        self.name: str = agency["name"]
        self._client_id: str = agency["client_id"]
        self._key: Mapping[str, str] = agency["key"]
        self._redirect_uri = redirect_uri
        self._proof_key = generate_private_key(SECP256R1())

    def redeem(self, code: str, state: str) -> Token:
        """The code for a token. Raises RefusedError."""
        url = f"{self.issuer}/oauth/token"
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier(self._key, state),
            "client_id": self._client_id,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self._assertion(),
        }
        headers = {"DPoP": self._proof("POST", url)}
        answer = _read(httpx2.post(url, data=form, headers=headers, timeout=10))
        granted = answer["authorization_details"][0]["datatypes"]
        return Token(answer["access_token"], tuple(granted))

    def fetch(self, token: Token) -> dict[str, Any]:
        """Every value that the token opens, by attribute. Raises RefusedError."""
        values: dict[str, Any] = {}
        for dataset in sorted({each.partition(".")[0] for each in token.attributes}):
            url = f"{self.issuer}/api/v1/data/{dataset}"
            headers = {
                "Authorization": f"DPoP {token.value}",
                "DPoP": self._proof("GET", url, token.value),
            }
            values |= _read(httpx2.get(url, headers=headers, timeout=10))["attributes"]
        return values

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": self.issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        }
        key = jwt.PyJWK(dict(self._key))
        return jwt.encode(claims, key.key, algorithm="ES256", headers={"kid": self._key["kid"]})

    def _proof(self, method: str, url: str, token: str | None = None) -> str:
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(16),
            "htm": method,
            "htu": url,
            "iat": int(time.time()),
        }
        if token is not None:
            digest = hashlib.sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        headers = {"typ": "dpop+jwt", "jwk": _public(self._proof_key)}
        return jwt.encode(claims, self._proof_key, algorithm="ES256", headers=headers)


def _public(key: EllipticCurvePrivateKey) -> dict[str, Any]:
    full = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: full[name] for name in ("kty", "crv", "x", "y")}


def _read(answer: httpx2.Response) -> dict[str, Any]:
    try:
        content: dict[str, Any] = answer.json()
    except json.JSONDecodeError as error:
        raise RefusedError(f"HTTP {answer.status_code}") from error
    if answer.is_error:
        said = content.get("detail") or content.get("error_description") or content.get("error")
        raise RefusedError(f"HTTP {answer.status_code}: {said or content.get('title', '')}")
    return content
