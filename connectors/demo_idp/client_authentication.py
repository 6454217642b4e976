"""Client authentication by a signed assertion (RFC 7523 section 3, FAPI 2.0 section 5.3.2.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from connectors.client_assertion import ASSERTION_TYPE
from connectors.demo_idp.one_time import Clock, OneTimeStore
from connectors.jose_registry import SignatureRegistry

ALGORITHMS = ["ES256", "PS256", "EdDSA"]
LEEWAY = timedelta(seconds=10)
LONGEST_LIFE = timedelta(minutes=5)


class ClientAuthenticationError(Exception):
    """The client is not who it says; `check` names what failed."""


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """The one client of the demo provider, with its public keys."""

    client_id: str
    keys: KeySet


class ClientAuthenticator:
    """Checks assertions of one client; each is accepted once."""

    def __init__(self, client: RegisteredClient, *, audience: str, clock: Clock) -> None:
        self._client = client
        self._audience = audience
        self._clock = clock
        self._used: OneTimeStore[None] = OneTimeStore(LONGEST_LIFE + LEEWAY, clock)

    def authenticate(self, form: Mapping[str, str]) -> None:
        """Raise unless the form carries a fresh assertion of the client."""
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise ClientAuthenticationError("client_assertion_type")
        claims = self._verified(form.get("client_assertion", ""))
        self._check_parties(claims, form)
        self._check_times(claims, self._clock())
        self._use(claims.get("jti"))

    def _verified(self, assertion: str) -> dict[str, Any]:
        try:
            registry = SignatureRegistry(ALGORITHMS)
            return jwt.decode(assertion, self._client.keys, registry=registry).claims
        except (JoseError, ValueError) as error:
            raise ClientAuthenticationError("signature") from error

    def _check_parties(self, claims: Mapping[str, Any], form: Mapping[str, str]) -> None:
        known = self._client.client_id
        named = (claims.get("iss"), claims.get("sub"), form.get("client_id", known))
        if any(name != known for name in named):
            raise ClientAuthenticationError("client_id")
        # A plain string, not a list: an assertion for us and another could be replayed by it.
        if claims.get("aud") != self._audience:
            raise ClientAuthenticationError("aud")

    def _check_times(self, claims: Mapping[str, Any], now: datetime) -> None:
        end = claims.get("exp")
        if not isinstance(end, int) or not _between(end, now - LEEWAY, now + LONGEST_LIFE):
            raise ClientAuthenticationError("exp")
        for name in ("iat", "nbf"):
            start = claims.get(name, 0)
            if not isinstance(start, int) or start > (now + LEEWAY).timestamp():
                raise ClientAuthenticationError(name)

    def _use(self, jti: object) -> None:
        if not isinstance(jti, str) or not jti or not self._used.put_as(jti, None):
            raise ClientAuthenticationError("jti")


def _between(second: int, first: datetime, last: datetime) -> bool:
    return first.timestamp() < second <= last.timestamp()
