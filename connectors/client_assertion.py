"""Client authentication with `private_key_jwt` (RFC 7523 section 2.2), for Authlib's client.

Authlib's own `PrivateKeyJWT` writes the `jti` into the claims object that it was given, so that
a second call through it repeats the id, and it lives an hour; this makes a new one for each call.
Its audience is the issuer as a plain string, as FAPI 2.0 section 5.3.3.1 wants it.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt

from connectors.client_keys import SigningKey, jose_key, signing_algorithm
from connectors.jose_registry import SignatureRegistry

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

_LIFE = timedelta(seconds=60)

Authentication = Callable[..., tuple[str, object, str]]
"""Authlib's shape: (client, method, uri, headers, body) to (uri, headers, body)."""


def client_assertion(key: SigningKey, *, client_id: str, audience: str, now: datetime) -> str:
    """A signed assertion for one use within a minute."""
    algorithm = signing_algorithm(key)
    made = jose_key(key)
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(32),
        "iat": int(now.timestamp()),
        "exp": int((now + _LIFE).timestamp()),
    }
    header = {"alg": algorithm, "kid": made.kid}
    return jwt.encode(header, claims, made, registry=SignatureRegistry([algorithm]))


def private_key_jwt(
    key: SigningKey, *, client_id: str, audience: str, now: datetime
) -> Authentication:
    """What Authlib calls to authenticate a request to the token endpoint."""

    def authenticate(
        _client: object, _method: str, uri: str, headers: object, body: bytes | str
    ) -> tuple[str, object, str]:
        form = parse_qsl(body.decode("ascii") if isinstance(body, bytes) else body)
        assertion = client_assertion(key, client_id=client_id, audience=audience, now=now)
        form += [("client_assertion_type", ASSERTION_TYPE), ("client_assertion", assertion)]
        return uri, headers, urlencode(form)

    return authenticate
