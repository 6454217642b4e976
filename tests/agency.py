"""An agency's program as a test needs it: every message made by hand, so that any may be spoiled.

The examples in `docs/` use a library instead; this one signs quickly and hides nothing.
"""

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP request, ready to be sent as often as a test likes."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""

    def raw(self) -> bytes:
        """The bytes on the wire (HTTP/1.1, connection kept)."""
        place = urlsplit(self.url)
        target = place.path + (f"?{place.query}" if place.query else "")
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {place.netloc}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body or self.method == "POST":
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(slots=True)
class Proofs:
    """A DPoP key (RFC 9449) and the proofs made with it."""

    key: Any = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def proof(self, method: str, url: str, *, token: str | None = None) -> str:
        """A proof for one request; `token` adds its hash."""
        claims: dict[str, Any] = {"jti": secrets.token_urlsafe(12), "htm": method, "htu": url}
        claims["iat"] = int(time.time())
        if token is not None:
            claims["ath"] = _b64(hashlib.sha256(token.encode()).digest())
        public = json.loads(ECAlgorithm.to_jwk(self.key.public_key()))
        headers = {"typ": "dpop+jwt", "jwk": {n: public[n] for n in ("kty", "crv", "x", "y")}}
        return jwt.encode(claims, self.key, algorithm="ES256", headers=headers)


@dataclass(frozen=True, slots=True)
class Agency:
    """One registered client with its private key."""

    issuer: str
    client_id: str
    key: dict[str, str]
    redirect_uri: str
    request: dict[str, Any]
    statutory_request: dict[str, Any] | None
    proofs: Proofs = field(default_factory=Proofs)

    @classmethod
    def read(cls, file: Path) -> Self:
        """From the file that the demo writes for each of its agencies."""
        found = json.loads(file.read_text())
        return cls(
            issuer=found["issuer"],
            client_id=found["client_id"],
            key=found["key"],
            redirect_uri=found["redirect_uri"],
            request=found["request"],
            statutory_request=found.get("statutory_request"),
        )

    def assertion(self) -> str:
        """A fresh `private_key_jwt` (RFC 7523), its audience the issuer."""
        now = int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer}
        claims |= {"jti": secrets.token_urlsafe(12)}
        private = jwt.PyJWK(self.key).key
        return jwt.encode(
            claims | {"iat": now, "exp": now + 60},
            private,
            algorithm=self.key["alg"],
            headers={"kid": self.key["kid"]},
        )

    def post(self, path: str, **parameters: str) -> Message:
        """An authenticated request to one of the authorization server's endpoints."""
        url = self.issuer + path
        authentication = {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
        }
        headers = {"Content-Type": FORM, "DPoP": self.proofs.proof("POST", url)}
        return Message("POST", url, headers, urlencode(authentication | parameters).encode())

    def push(self, verifier: str, *, state: str = "s", details: Any = None) -> Message:
        """A pushed authorization request (RFC 9126)."""
        return self.post(
            "/oauth/par",
            response_type="code",
            redirect_uri=self.redirect_uri,
            state=state,
            code_challenge=_b64(hashlib.sha256(verifier.encode()).digest()),
            code_challenge_method="S256",
            authorization_details=json.dumps([details or self.request]),
        )

    def authorize_url(self, request_uri: str) -> str:
        """Where to send the person."""
        query = urlencode({"client_id": self.client_id, "request_uri": request_uri})
        return f"{self.issuer}/oauth/authorize?{query}"

    def redeem(self, code: str, verifier: str) -> Message:
        """The code for a token."""
        return self.post(
            "/oauth/token",
            grant_type="authorization_code",
            code=code,
            redirect_uri=self.redirect_uri,
            code_verifier=verifier,
        )

    def statutory(self, identity_code: str) -> Message:
        """A token by law, for the person with this identity code."""
        subject = {"format": "national_id", "scheme": "urn:oid:1.2.246.21", "id": identity_code}
        if self.statutory_request is None:
            raise RuntimeError("this agency has no ground in law")
        return self.post(
            "/oauth/token",
            grant_type="client_credentials",
            authorization_details=json.dumps([self.statutory_request | {"subject": subject}]),
        )

    def fetch(self, token: str, dataset: str) -> Message:
        """The person's data of one data set."""
        url = f"{self.issuer}/api/v1/data/{dataset}"
        proof = self.proofs.proof("GET", url, token=token)
        return Message("GET", url, {"Authorization": f"DPoP {token}", "DPoP": proof})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
