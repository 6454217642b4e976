"""The authorization request of a relying party, checked (OpenID Connect Core section 3.1.2.1).

A request with a wrong client or redirect URI is answered on the spot: sending the browser on
would make an open redirector (RFC 9700 section 4.11). Every other fault goes back to the client.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from connectors.levels import ACR_LEVELS, FTN_HIGH, FTN_SUBSTANTIAL
from policies.vocabulary import Language, LevelOfAssurance

_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST = 512
_OWN_ACR = {
    LevelOfAssurance.SUBSTANTIAL: FTN_SUBSTANTIAL,
    LevelOfAssurance.HIGH: FTN_HIGH,
}


class UnknownClientError(Exception):
    """The client or its redirect URI is not registered here; nobody is sent anywhere."""


class AuthorizationError(Exception):
    """A fault that the client is told, by its redirect URI."""

    def __init__(self, error: str, location: str) -> None:
        super().__init__(error)
        self.error = error
        self.location = location


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What one browser came with; nothing of it is trusted again later."""

    issuer: str
    client_id: str
    redirect_uri: str
    state: str
    nonce: str
    code_challenge: str
    language: Language
    acrs: tuple[tuple[LevelOfAssurance, str], ...]
    """The levels to choose from, each with the name by which the client asked for it."""
    login_hint: str | None

    def answer(self, **parameters: str) -> str:
        """Where to send the browser; `iss` names us in every answer (RFC 9207)."""
        return _answer(self.redirect_uri, self.state, self.issuer, **parameters)


def check_request(
    query: Mapping[str, str], *, issuer: str, client_id: str, redirect_uris: Collection[str]
) -> AuthorizationRequest:
    """The request, or one of the two errors above."""
    if query.get("client_id") != client_id or query.get("redirect_uri") not in redirect_uris:
        raise UnknownClientError
    error = _fault(query)
    if error:
        location = _answer(query["redirect_uri"], query.get("state", ""), issuer, error=error)
        raise AuthorizationError(error, location)
    return AuthorizationRequest(
        issuer=issuer,
        client_id=client_id,
        redirect_uri=query["redirect_uri"],
        state=query["state"],
        nonce=query["nonce"],
        code_challenge=query["code_challenge"],
        language=_language(query.get("ui_locales", "")),
        acrs=_offered(query.get("acr_values")),
        login_hint=query.get("login_hint"),
    )


def _fault(query: Mapping[str, str]) -> str | None:
    """The error code of the first check that fails (OpenID Connect Core section 3.1.2.6)."""
    checks = (
        ("unsupported_response_type", query.get("response_type") == "code"),
        ("invalid_scope", "openid" in query.get("scope", "").split()),
        ("request_not_supported", "request" not in query),
        ("request_uri_not_supported", "request_uri" not in query),
        ("invalid_request", query.get("response_mode", "query") == "query"),
        ("invalid_request", _bounded(query.get("state"))),
        ("invalid_request", _bounded(query.get("nonce"))),
        ("invalid_request", query.get("code_challenge_method") == "S256"),
        ("invalid_request", bool(_S256_CHALLENGE.fullmatch(query.get("code_challenge", "")))),
        ("unmet_authentication_requirements", bool(_offered(query.get("acr_values")))),
        # Nobody is ever signed in here already, so there is nothing to do without a page.
        ("login_required", "none" not in query.get("prompt", "").split()),
    )
    return next((error for error, holds in checks if not holds), None)


def _bounded(value: str | None) -> bool:
    return value is not None and 0 < len(value) <= _LONGEST


def _offered(acr_values: str | None) -> tuple[tuple[LevelOfAssurance, str], ...]:
    if acr_values is None:
        return tuple(_OWN_ACR.items())
    asked: dict[LevelOfAssurance, str] = {}
    for acr in acr_values.split():
        if acr in ACR_LEVELS:
            asked.setdefault(ACR_LEVELS[acr], acr)
    return tuple(sorted(asked.items()))


def _language(ui_locales: str) -> Language:
    """The first of the client's languages that we speak (BCP 47 tags by falling priority)."""
    asked = (tag.split("-")[0].lower() for tag in ui_locales.split())
    return next((Language(tag) for tag in asked if tag in set(Language)), Language.FI)


def _answer(redirect_uri: str, state: str, issuer: str, **parameters: str) -> str:
    query = {**parameters, "iss": issuer} | ({"state": state} if state else {})
    joint = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{joint}{urlencode(query)}"
