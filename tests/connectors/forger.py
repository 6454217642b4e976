"""A provider that can be told to lie: real sockets, real tokens, one thing wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from joserfc import jwt

from connectors.client_keys import jose_key, public_jwks
from connectors.levels import FTN_HIGH
from connectors.oidc import OidcProvider
from connectors.oidc_settings import OidcSettings
from connectors.ports import IDENTITY_CODE_SCHEME, IdentityAssertion, LoginStart
from policies.vocabulary import Language, LevelOfAssurance
from tests.connectors.loopback import free_socket, origin, serving
from tests.connectors.registration import CLIENT, NOW, REDIRECT, new_key

NAME = "urn:oid:2.16.840.1.113730.3.1.241"


_HONEST, _CLIENT_KEY = new_key(), new_key()


@dataclass
class Forger:
    """What the provider answers; a test changes one member and looks what happens."""

    issuer: str
    key: EllipticCurvePrivateKey = _HONEST
    metadata: dict[str, Any] = field(default_factory=dict)
    jwks: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    token_answer: Response | None = None
    metadata_answer: Response | None = None
    jwks_answer: Response | None = None
    fetched: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """An honest provider again."""
        self.token = self.token_answer = self.metadata_answer = self.jwks_answer = None
        self.fetched.clear()
        self.forms.clear()
        self.key = _HONEST
        self.jwks = public_jwks(self.key)
        self.metadata = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }
        seconds = int(NOW.timestamp())
        self.claims = {
            "iss": self.issuer,
            "sub": "1",
            "aud": CLIENT,
            "iat": seconds,
            "exp": seconds + 300,
            "auth_time": seconds,
            "acr": FTN_HIGH,
            "amr": ["urn:example:bank"],
            IDENTITY_CODE_SCHEME: "010190-999W",
            NAME: "Testi Esimerkki",
        }
        self.settings = OidcSettings(
            issuer=self.issuer,
            client_id=CLIENT,
            redirect_uri=REDIRECT,
            signing_key=_CLIENT_KEY,
            accept_artificial=True,
            timeout=timedelta(seconds=2),
        )
        self.provider = OidcProvider(self.settings)

    def configure(self, **changes: Any) -> None:
        self.settings = replace(self.settings, **changes)
        self.provider = OidcProvider(self.settings)

    def sign(self, claims: dict[str, Any], key: EllipticCurvePrivateKey | None = None) -> str:
        made = jose_key(key or self.key)
        return jwt.encode({"alg": "ES256", "kid": made.kid}, claims, made)

    def begin(self) -> LoginStart:
        return self.provider.begin(language=Language.SV, loa=LevelOfAssurance.SUBSTANTIAL, now=NOW)

    def finish(self, start: LoginStart | None = None, **answer: str) -> IdentityAssertion:
        """Sign in with whatever the provider has been told to say."""
        start = start or self.begin()
        self.claims.setdefault("nonce", start.nonce)
        given = {"state": start.state, "iss": self.issuer, "code": "a-code", **answer}
        return self.provider.finish(given, start, loa=LevelOfAssurance.SUBSTANTIAL, now=NOW)


@contextmanager
def forging() -> Iterator[Forger]:
    """A forger on a socket of its own."""
    bound = free_socket()
    forger = Forger(origin(bound))
    app = FastAPI(openapi_url=None)

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Response:
        forger.fetched.append("metadata")
        return forger.metadata_answer or JSONResponse(forger.metadata)

    @app.get("/jwks")
    def jwks() -> Response:
        forger.fetched.append("jwks")
        return forger.jwks_answer or JSONResponse(forger.jwks)

    @app.post("/token")
    async def token(request: Request) -> Response:
        forger.forms.append({name: str(value) for name, value in (await request.form()).items()})
        made = forger.token or forger.sign(forger.claims)
        return forger.token_answer or JSONResponse(
            {"access_token": "x", "token_type": "Bearer", "id_token": made}
        )

    with serving(app, bound):
        yield forger
