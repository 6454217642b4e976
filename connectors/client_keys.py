"""A client's own key for `private_key_jwt` (RFC 7523): its algorithm, its id, its public JWKS."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey

SigningKey = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey
JoseKey = ECKey | OKPKey | RSAKey

_SMALLEST_RSA = 2048


class UnusableKeyError(ValueError):
    """The key's curve or size is none that FAPI 2.0 allows."""


def signing_algorithm(key: SigningKey) -> str:
    """The JWS algorithm of a key, of the three of FAPI 2.0 Security Profile section 5.4.1."""
    match key:
        case Ed25519PrivateKey():
            return "EdDSA"
        case EllipticCurvePrivateKey() if isinstance(key.curve, SECP256R1):
            return "ES256"
        case RSAPrivateKey() if key.key_size >= _SMALLEST_RSA:
            return "PS256"
        case _:
            raise UnusableKeyError(type(key).__name__)


def jose_key(key: SigningKey, *, use: str = "sig") -> JoseKey:
    """The key as joserfc wants it, its id the RFC 7638 thumbprint."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    kinds: dict[type, type[JoseKey]] = {
        EllipticCurvePrivateKey: ECKey,
        Ed25519PrivateKey: OKPKey,
        RSAPrivateKey: RSAKey,
    }
    kind = next(made for known, made in kinds.items() if isinstance(key, known))
    bare = kind.import_key(pem)
    return kind.import_key(pem, {"kid": bare.thumbprint(), "use": use})


def public_jwks(key: SigningKey) -> dict[str, Any]:
    """The key set to give to the provider (RFC 7517); it holds no private part."""
    made = jose_key(key)
    public = made.as_dict(private=False)
    return {"keys": [{**public, "alg": signing_algorithm(key)}]}
