"""A provider's metadata and keys: fetched, checked, remembered for a while.

OpenID Connect Discovery 1.0 section 4.3: the issuer in the document must be the one that was
asked, or anybody whose document we read could speak for it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2
from authlib.oidc.discovery import get_well_known_url  # type: ignore[import-untyped]  # no types
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from connectors.bounded_http import (
    BoundedTransport,
    InsecureUrlError,
    check_url,
    is_loopback,
)
from connectors.oidc_settings import OidcSettings
from connectors.sign_in_errors import ProviderContractError, ProviderUnavailableError

ProviderKey = ECKey | OKPKey | RSAKey

_SHORTEST_MODULUS = 342
"""Characters of base64url for 2048 bits (RFC 7518 section 3.3)."""
_BUSY = 429
_OK = 200
_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The members that we use."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    issuer_in_answer: bool
    """`authorization_response_iss_parameter_supported` (RFC 9207 section 3)."""


def bounded_transport(settings: OidcSettings) -> BoundedTransport:
    """The transport of every call to this provider."""
    return BoundedTransport(
        limit=settings.largest_answer,
        seconds=3 * settings.timeout.total_seconds(),
        proxy=settings.proxy,
    )


class MetadataCache:
    """The provider's metadata and keys. Two threads may fetch at once; each gets an answer."""

    def __init__(self, settings: OidcSettings) -> None:
        check_url(settings.issuer)
        self._settings = settings
        self._metadata: tuple[datetime, ProviderMetadata] | None = None
        self._keys: tuple[datetime, tuple[ProviderKey, ...]] | None = None

    def metadata(self, now: datetime) -> ProviderMetadata:
        held = self._metadata
        if held is None or not self._fresh(held[0], now):
            held = (now, self._fetch_metadata())
            self._metadata = held
        return held[1]

    def keys(self, now: datetime, *, again: bool = False) -> tuple[ProviderKey, ...]:
        """The provider's signing keys; `again` fetches them although they are fresh."""
        held = self._keys
        if held is None or again or not self._fresh(held[0], now):
            held = (now, self._fetch_keys(self.metadata(now).jwks_uri))
            self._keys = held
        return held[1]

    def _fresh(self, fetched: datetime, now: datetime) -> bool:
        return now - fetched < self._settings.metadata_lifetime

    def _fetch_metadata(self) -> ProviderMetadata:
        url = get_well_known_url(self._settings.issuer, external=True)
        document = self._fetch(url, "metadata")
        return read_metadata(document, self._settings.issuer)

    def _fetch_keys(self, url: str) -> tuple[ProviderKey, ...]:
        entries = self._fetch(url, "keys").get("keys")
        if not isinstance(entries, list):
            raise ProviderContractError("keys", "is no JWK set")
        keys = tuple(key for entry in entries if (key := _signing_key(entry)) is not None)
        if not keys:
            raise ProviderContractError("keys", "holds no usable signing key")
        return keys

    def _fetch(self, url: str, what: str) -> dict[str, Any]:
        try:
            with httpx2.Client(
                transport=bounded_transport(self._settings),
                timeout=self._settings.timeout.total_seconds(),
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            ) as client:
                answer = client.get(url)
        except httpx2.HTTPError as error:
            raise ProviderUnavailableError(what) from error
        check_status(answer.status_code, what)
        return json_object(answer.content, what)


def read_metadata(document: Mapping[str, Any], issuer: str) -> ProviderMetadata:
    """The members that we use, of a document that is the issuer's own."""
    if document.get("issuer") != issuer:
        raise ProviderContractError("metadata", "names another issuer")
    return ProviderMetadata(
        authorization_endpoint=_endpoint(document, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(document, "token_endpoint", issuer),
        jwks_uri=_endpoint(document, "jwks_uri", issuer),
        issuer_in_answer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def check_status(status: int, what: str) -> None:
    """Raise unless the answer is a success."""
    if status == _BUSY or status >= _SERVER_FAULT:
        raise ProviderUnavailableError(what)
    if status != _OK:
        raise ProviderContractError(what, f"answers {status}")


def json_object(content: bytes, what: str) -> dict[str, Any]:
    """The JSON object that the answer is, or an error."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProviderContractError(what, "is not JSON") from error
    if not isinstance(document, dict):
        raise ProviderContractError(what, "is no JSON object")
    return document


def _endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str:
    url = document.get(name)
    if not isinstance(url, str):
        raise ProviderContractError("metadata", f"lacks {name}")
    # A provider elsewhere must not make us call what listens on this machine alone.
    on_this_machine = is_loopback(httpx2.URL(issuer).host)
    try:
        return check_url(url, allow_loopback=on_this_machine)
    except InsecureUrlError as error:
        raise ProviderContractError("metadata", f"{name} {error}") from error


def _signing_key(entry: object) -> ProviderKey | None:
    """The key, unless it is for encryption, of a kind that we do not use, or too weak.

    Such keys are passed over and not refused: a provider may publish keys for other clients too.
    """
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    kind = (entry.get("kty"), entry.get("crv"))
    try:
        if kind == ("EC", "P-256"):
            return ECKey.import_key(entry)
        if kind == ("OKP", "Ed25519"):
            return OKPKey.import_key(entry)
        # The length is looked at before, since joserfc takes a short key with a mere warning.
        if kind == ("RSA", None) and len(entry["n"]) >= _SHORTEST_MODULUS:
            return RSAKey.import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None
