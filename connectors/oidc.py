"""Sign-in by OpenID Connect: authorization code, PKCE S256, state and nonce for each flow.

Authlib builds the requests and authenticates the client; what it leaves out is checked here: the
issuer in the answer (RFC 9207), encrypted ID tokens, a known level of assurance, bounded calls.
Pushed and signed authorization requests, which the Finnish trust network's brokers ask for, are
not made yet. Calls block: use it from a worker thread.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # no types
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]  # no types

from connectors.client_assertion import private_key_jwt
from connectors.id_token import verified_claims
from connectors.identity_claims import identity_assertion
from connectors.oidc_settings import OidcSettings
from connectors.ports import IdentityAssertion, LoginStart
from connectors.provider_metadata import MetadataCache, bounded_transport
from connectors.sign_in_errors import (
    IssuerMismatchError,
    ProviderContractError,
    ProviderUnavailableError,
    SignInCancelledError,
    SignInRefusedError,
    StateMismatchError,
)
from policies.vocabulary import Language, LevelOfAssurance

_LONGEST_CODE = 4096


class OidcProvider:
    """An `IdentityProvider` over OpenID Connect."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._cache = MetadataCache(settings)

    def begin(
        self,
        *,
        language: Language,
        loa: LevelOfAssurance,
        now: datetime,
        login_hint: str | None = None,
    ) -> LoginStart:
        """A new flow with secrets of its own; two tabs do not disturb each other."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        extra = {} if login_hint is None else {"login_hint": login_hint}
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._cache.metadata(now).authorization_endpoint,
                state=state,
                code_verifier=verifier,
                nonce=nonce,
                acr_values=" ".join(self._acr_values(loa)),
                ui_locales=language.value,
                **extra,
            )
        return LoginStart(url=url, state=state, nonce=nonce, verifier=verifier)

    def finish(
        self, answer: Mapping[str, str], start: LoginStart, *, loa: LevelOfAssurance, now: datetime
    ) -> IdentityAssertion:
        """The person who signed in. Each check has an error of its own."""
        code = self._checked_code(answer, start, now)
        token = self._redeem(code, start, now)
        claims = verified_claims(
            token,
            self._settings,
            keys=lambda again: self._cache.keys(now, again=again),
            nonce=start.nonce,
            now=now,
        )
        return identity_assertion(claims, self._settings, loa=loa)

    def _acr_values(self, loa: LevelOfAssurance) -> list[str]:
        return [acr for acr, level in self._settings.acr_levels.items() if level >= loa]

    def _checked_code(self, answer: Mapping[str, str], start: LoginStart, now: datetime) -> str:
        """Whose answer is it, from whom, and does it say yes; in this order."""
        if not hmac.compare_digest(answer.get("state", "").encode(), start.state.encode()):
            raise StateMismatchError
        issuer = answer.get("iss")
        if issuer is None and self._cache.metadata(now).issuer_in_answer:
            raise IssuerMismatchError
        if issuer not in (None, self._settings.issuer):
            raise IssuerMismatchError
        error = answer.get("error")
        if error == "access_denied":
            raise SignInCancelledError
        if error is not None:
            raise SignInRefusedError(error)
        code = answer.get("code", "")
        if not 0 < len(code) <= _LONGEST_CODE:
            raise ProviderContractError("authorization answer", "has no code")
        return code

    def _redeem(self, code: str, start: LoginStart, now: datetime) -> str:
        """The ID token for the code (OpenID Connect Core section 3.1.3)."""
        endpoint = self._cache.metadata(now).token_endpoint
        try:
            with self._client(now) as client:
                answer = client.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=start.verifier,
                )
        except OAuthError as error:
            raise SignInRefusedError(str(error.error)) from error
        except httpx2.HTTPError as error:
            raise ProviderUnavailableError("token endpoint") from error
        except (ValueError, RecursionError) as error:
            raise ProviderContractError("token answer", "is no JSON object") from error
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderContractError("token answer", "has no ID token")
        return token

    def _client(self, now: datetime | None = None) -> Any:  # Authlib is not typed
        """Authlib's client; with a time it can call the token endpoint."""
        settings = self._settings
        key = settings.signing_key
        client = OAuth2Client(
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            token_endpoint_auth_method="client_secret_basic" if key is None else "private_key_jwt",
            scope="openid",
            redirect_uri=settings.redirect_uri,
            code_challenge_method="S256",
            transport=bounded_transport(settings),
            timeout=settings.timeout.total_seconds(),
            headers={"Accept-Encoding": "identity"},
        )
        if key is not None and now is not None:
            method = private_key_jwt(
                key, client_id=settings.client_id, audience=settings.issuer, now=now
            )
            client.register_client_auth_method(("private_key_jwt", method))
        return client
