"""An ID token, checked step by step (OpenID Connect Core 1.0 section 3.1.3.7).

Authlib checks the claims, joserfc the encryption and the signature. Algorithms are a list of
ours, never the token's word: `none` and the symmetric ones are not on it (RFC 8725 section 3.1).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # no types
from joserfc import jwe, jws, jwt
from joserfc.errors import ClaimError, JoseError

from connectors.jose_registry import SignatureRegistry
from connectors.oidc_settings import OidcSettings
from connectors.provider_metadata import ProviderKey
from connectors.sign_in_errors import IdTokenError

ALGORITHMS = {"ES256": "EC", "PS256": "RSA", "RS256": "RSA", "EdDSA": "OKP", "Ed25519": "OKP"}
"""The signature algorithms that a provider may use, and the kind of key of each."""

_ENCRYPTION = ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "A128CBC-HS256", "A128GCM", "A256GCM"]
_JWE_PARTS = 5
_LONGEST = 32_768

KeySource = Callable[[bool], tuple[ProviderKey, ...]]
"""The provider's keys; fetched again when the argument is true."""


def verified_claims(
    token: str, settings: OidcSettings, *, keys: KeySource, nonce: str, now: datetime
) -> dict[str, Any]:
    """The claims of a token that passes every check; `IdTokenError` names the first that fails."""
    if len(token) > _LONGEST:
        raise IdTokenError("size")
    signed = _decrypted(token, settings)  # 3.1.3.7 step 1
    header, claims = _signature_checked(signed, keys)  # steps 6 to 8
    _check_claims(header, claims, settings, nonce=nonce, now=now)  # steps 2 to 5, 9 to 11
    return claims


def instant(claims: Mapping[str, Any], name: str) -> datetime:
    """A NumericDate claim (RFC 7519 section 2) as a time."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IdTokenError(name)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise IdTokenError(name) from error


def _decrypted(token: str, settings: OidcSettings) -> str:
    encrypted = token.count(".") == _JWE_PARTS - 1
    if settings.decryption_key is None:
        if encrypted:
            raise IdTokenError("encryption")
        return token
    # Whoever has registered an encryption key gets nothing but encrypted tokens.
    if not encrypted:
        raise IdTokenError("encryption")
    # Providers repeat `iss` and `aud` in the JWE header (RFC 7519 section 5.3), which the strict
    # check of header names would refuse.
    registry = jwe.JWERegistry(algorithms=_ENCRYPTION, strict_check_header=False)
    try:
        opened = jwe.decrypt_compact(token, settings.decryption_key, registry=registry)
        return (opened.plaintext or b"").decode("ascii")
    except (JoseError, ValueError) as error:
        raise IdTokenError("encryption") from error


def _signature_checked(token: str, keys: KeySource) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        header = jws.extract_compact(token.encode("ascii")).headers()
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise IdTokenError("alg")
        key = _key(header, ALGORITHMS[algorithm], keys)
        claims = jwt.decode(token, key, registry=SignatureRegistry([algorithm])).claims
    except (JoseError, ValueError, RecursionError) as error:
        raise IdTokenError("signature") from error
    return header, claims


def _key(header: Mapping[str, Any], kind: str, keys: KeySource) -> ProviderKey:
    """The key that the header names; an unknown name may be a new key, so look again, once."""
    for again in (False, True):
        named = [key for key in keys(again) if _fits(key, header.get("kid"), kind)]
        if len(named) == 1:
            return named[0]
    raise IdTokenError("kid")


def _fits(key: ProviderKey, kid: object, kind: str) -> bool:
    return key.key_type == kind and (kid is None or key.kid == kid)


def _check_claims(
    header: dict[str, Any],
    claims: dict[str, Any],
    settings: OidcSettings,
    *,
    nonce: str,
    now: datetime,
) -> None:
    # Several audiences would mean parties that we know nothing of (step 3).
    if claims.get("aud") not in (settings.client_id, [settings.client_id]):
        raise IdTokenError("aud")
    token = CodeIDToken(
        claims,
        header,
        options={
            "iss": {"essential": True, "value": settings.issuer},
            "aud": {"essential": True, "value": settings.client_id},
            "nonce": {"essential": True, "value": nonce},
        },
        params={"client_id": settings.client_id, "nonce": nonce},
    )
    leeway = int(settings.leeway.total_seconds())
    try:
        token.validate(now=int(now.timestamp()), leeway=leeway)
    except ClaimError as error:
        raise IdTokenError(error.claim) from error
