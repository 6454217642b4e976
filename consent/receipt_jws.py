"""Receipts as JWS (RFC 7515): signing, and verifying offline with a published key set.

Type `consent-receipt+jwt` (RFC 8725 section 3.11), ES256 or EdDSA, payload in canonical JSON.
The verifier takes the canonical form only: with a doubled key or another order two readers could
see two consents behind one signature.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

from consent.jwk import JwkError, check_public_key
from consent.strict_json import StrictJsonError, parse_strict
from policies.canonical import NotCanonicalError, canonical_json

TYPE = "consent-receipt+jwt"
MAX_BYTES = 131_072
_MAX_DEPTH = 16
_ALGORITHMS = ["ES256", "EdDSA"]
_JWS = jwt.PyJWS(algorithms=_ALGORITHMS)


class ReceiptError(ValueError):
    """Not a receipt of these keys; `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SigningKeyError(ValueError):
    """Receipts are signed with P-256 or Ed25519, and this key is on another curve."""


class ReceiptSigner:
    """Signs receipts with a P-256 or Ed25519 key, in the name of an issuer."""

    def __init__(
        self, issuer: str, key: EllipticCurvePrivateKey | Ed25519PrivateKey, kid: str
    ) -> None:
        self.issuer = issuer
        self.kid = kid
        self._key = key
        self._algorithm = _algorithm(key)

    def __repr__(self) -> str:
        return f"ReceiptSigner({self.issuer!r}, kid={self.kid!r})"

    def jwk(self) -> dict[str, Any]:
        """The public key, for the published key set (RFC 7517)."""
        if isinstance(self._key, EllipticCurvePrivateKey):
            key = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        else:
            key = OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {**key, "kid": self.kid, "alg": self._algorithm, "use": "sig"}

    def sign(self, payload: Mapping[str, object], *, kind: str = TYPE) -> str:
        """The payload as a compact JWS; of another kind than a receipt when that is said."""
        headers = {"typ": kind, "kid": self.kid}
        content = canonical_json(dict(payload))
        return _JWS.encode(content, self._key, algorithm=self._algorithm, headers=headers)


def verify_receipt(
    jws: str, jwks: Mapping[str, Any], *, kind: str = TYPE, max_bytes: int = MAX_BYTES
) -> dict[str, Any]:
    """The payload of a receipt signed with one of the keys. Raises ReceiptError.

    Of another kind of statement when that is said: none passes for another one.

    1. Three parts of bounded length. 2. Header of exactly type, algorithm and key id, both known.
    3. The key of that id and algorithm. 4. The signature. 5. A payload in canonical form.
    """
    parts = jws.split(".")
    if len(parts) != 3 or len(jws) > max_bytes:
        raise ReceiptError("form")
    key = _key(_header(parts[0], kind), jwks)
    try:
        decoded = _JWS.decode_complete(jws, key, algorithms=[key.algorithm_name])
    except jwt.PyJWTError as error:
        raise ReceiptError("signature") from error
    if _base64url(decoded["signature"]) != parts[2]:
        # The library takes padding: the same signature written in another way.
        raise ReceiptError("form")
    return _payload(decoded["payload"], max_bytes)


def unverified_payload(jws: str) -> dict[str, Any]:
    """What a receipt from our own store says; whoever has it from elsewhere verifies it."""
    part = jws.split(".")[1]
    payload: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return payload


def digest_of(jws: str) -> str:
    """SHA-256 of a receipt in compact form, in hexadecimal: what its page and the next one name."""
    return hashlib.sha256(jws.encode("ascii")).hexdigest()


def _header(part: str, wanted: str) -> dict[str, str]:
    try:
        header = parse_strict(urlsafe_b64decode(part + "=="), max_bytes=1024, max_depth=1)
    except (StrictJsonError, ValueError) as error:
        raise ReceiptError("header") from error
    match header:
        case {"typ": str(kind), "alg": str(algorithm), "kid": str(kid), **rest} if (
            kind == wanted and algorithm in _ALGORITHMS and not rest
        ):
            return {"alg": algorithm, "kid": kid}
        case _:
            raise ReceiptError("header")


def _key(header: Mapping[str, str], jwks: Mapping[str, Any]) -> jwt.PyJWK:
    # The algorithm is bound to the key, not chosen by the receipt (RFC 8725 section 3.1).
    wanted = (header["kid"], header["alg"])
    found = [key for key in jwks["keys"] if (key.get("kid"), key.get("alg")) == wanted]
    if len(found) != 1:
        raise ReceiptError("unknown-key")
    try:
        check_public_key(found[0])
    except JwkError as error:
        raise ReceiptError("unknown-key") from error
    return jwt.PyJWK.from_dict(found[0], algorithm=header["alg"])


def _algorithm(key: EllipticCurvePrivateKey | Ed25519PrivateKey) -> str:
    if isinstance(key, Ed25519PrivateKey):
        return "EdDSA"
    if isinstance(key.curve, SECP256R1):
        return "ES256"
    raise SigningKeyError(key.curve.name)


def _payload(content: bytes, max_bytes: int) -> dict[str, Any]:
    try:
        payload = parse_strict(content, max_bytes=max_bytes, max_depth=_MAX_DEPTH)
        canonical = canonical_json(payload)
    except (StrictJsonError, NotCanonicalError) as error:
        raise ReceiptError("payload") from error
    if canonical != content or not isinstance(payload, dict):
        raise ReceiptError("payload")
    return payload


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
