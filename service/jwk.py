"""Public keys as JWK (RFC 7517), imported strictly, and their thumbprints (RFC 7638).

Three kinds, as FAPI 2.0 Security Profile section 5.4.1 allows: P-256 (ES256), Ed25519 (EdDSA)
and RSA from 2048 bits (PS256). A JWK that brings a private or symmetric member is refused.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from service.base64url import Base64UrlError, decode, encode

PublicKey = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey

MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
"""Required members by key type, in the order of the thumbprint (RFC 7638 section 3.2)."""
_COMMON = frozenset({"alg", "use", "key_ops", "kid"})
_ECDSA_SHA256 = ECDSA(SHA256())
_PSS_SHA256 = PSS(mgf=MGF1(SHA256()), salt_length=32)
_P256_BYTES = 32
_RSA_BITS = range(2048, 8193)
_RSA_EXPONENTS = range(3, 2**32)
"""A long one costs a hundred times as much to verify with, and a proof brings its own key."""


class JwkError(ValueError):
    """A key that is not taken; `reason` is a fixed word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignatureError(ValueError):
    """The signature is not the key's over these bytes."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key with the one algorithm it is used with."""

    algorithms: frozenset[str]
    key: PublicKey = field(repr=False)
    kid: str | None
    thumbprint: str

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises SignatureError unless the signature is good."""
        try:
            match self.key:
                case EllipticCurvePublicKey():
                    self.key.verify(_dss(signature), message, _ECDSA_SHA256)
                case Ed25519PublicKey():
                    self.key.verify(signature, message)
                case RSAPublicKey():
                    self.key.verify(signature, message, _PSS_SHA256, SHA256())
        except InvalidSignature as error:
            raise SignatureError from error


def import_key(jwk: Mapping[str, object]) -> VerificationKey:
    """The key in the JWK. Raises JwkError."""
    own = MEMBERS.get(str(jwk.get("kty")))
    if own is None:
        raise JwkError("key-type")
    if jwk.keys() - _COMMON - set(own):
        raise JwkError("surplus-member")
    texts = {name: _text(jwk, name) for name in own}
    _check_use(jwk)
    algorithms, key = _import(texts)
    if jwk.get("alg", next(iter(algorithms))) not in algorithms:
        raise JwkError("algorithm")
    kid = jwk.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise JwkError("kid")
    return VerificationKey(algorithms, key, kid, thumbprint(texts))


def p256_jwk(key: EllipticCurvePublicKey) -> dict[str, str]:
    """A P-256 key of ours as its required members."""
    numbers = key.public_numbers()
    x, y = (encode(number.to_bytes(_P256_BYTES, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def thumbprint(members: Mapping[str, str]) -> str:
    """SHA-256 over the required members, base64url (RFC 7638 section 3)."""
    canonical = {name: members[name] for name in MEMBERS[members["kty"]]}
    return encode(hashlib.sha256(orjson.dumps(canonical)).digest())


def _import(jwk: Mapping[str, str]) -> tuple[frozenset[str], PublicKey]:
    match jwk["kty"], jwk.get("crv"):
        case "EC", "P-256":
            return frozenset({"ES256"}), _p256(jwk)
        case "OKP", "Ed25519":
            # RFC 9864 gives the algorithm its full name; both names mean the same here.
            return frozenset({"EdDSA", "Ed25519"}), _ed25519(jwk)
        case "RSA", None:
            return frozenset({"PS256"}), _rsa(jwk)
    raise JwkError("curve")


def _p256(jwk: Mapping[str, str]) -> EllipticCurvePublicKey:
    x, y = _bytes(jwk["x"]), _bytes(jwk["y"])
    if len(x) != _P256_BYTES or len(y) != _P256_BYTES:
        raise JwkError("coordinate")
    numbers = EllipticCurvePublicNumbers(
        int.from_bytes(x, "big"), int.from_bytes(y, "big"), SECP256R1()
    )
    try:
        return numbers.public_key()
    except ValueError as error:
        raise JwkError("not-on-curve") from error


def _ed25519(jwk: Mapping[str, str]) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(_bytes(jwk["x"]))
    except ValueError as error:
        raise JwkError("coordinate") from error


def _rsa(jwk: Mapping[str, str]) -> RSAPublicKey:
    e, n = (int.from_bytes(_bytes(jwk[name]), "big") for name in ("e", "n"))
    if n.bit_length() not in _RSA_BITS or e not in _RSA_EXPONENTS:
        raise JwkError("size")
    try:
        return RSAPublicNumbers(e, n).public_key()
    except ValueError as error:
        raise JwkError("size") from error


def _dss(signature: bytes) -> bytes:
    """R and S, 32 bytes each, as the DER that `cryptography` takes (RFC 7518 section 3.4)."""
    if len(signature) != 2 * _P256_BYTES:
        raise SignatureError
    r, s = signature[:_P256_BYTES], signature[_P256_BYTES:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))


def _check_use(jwk: Mapping[str, object]) -> None:
    if jwk.get("use", "sig") != "sig" or jwk.get("key_ops", ["verify"]) != ["verify"]:
        raise JwkError("not-for-signatures")


def _text(jwk: Mapping[str, object], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str) or not value:
        raise JwkError("missing-member")
    return value


def _bytes(text: str) -> bytes:
    try:
        return decode(text)
    except Base64UrlError as error:
        raise JwkError("base64url") from error
