"""Public keys of clients (RFC 7517), and only those that FAPI 2.0 section 5.4.1 allows.

P-256 for ES256, Ed25519 for EdDSA, RSA of at least 2048 bits for PS256. A private member is
refused aloud: whoever sends one has just published a key.
"""

import re
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COMMON = frozenset({"kty", "kid", "alg", "use", "key_ops"})
_KINDS: Mapping[tuple[str, str | None], tuple[str, frozenset[str]]] = {
    ("EC", "P-256"): ("ES256", frozenset({"crv", "x", "y"})),
    ("OKP", "Ed25519"): ("EdDSA", frozenset({"crv", "x"})),
    ("RSA", None): ("PS256", frozenset({"n", "e"})),
}
_KID = re.compile(r"[\x21-\x7e]{1,128}")
_MIN_RSA_BITS = 2048
_MAX_RSA_BITS = 8192


class JwkError(ValueError):
    """A key that is not taken; `reason` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_public_key(key: object) -> str:
    """The key's `kid`, when it is a signature key that we take. Raises JwkError."""
    if not isinstance(key, Mapping):
        raise JwkError("not-a-key")
    if _PRIVATE & key.keys():
        raise JwkError("private-key")
    algorithm, own = _kind(key)
    if not all(isinstance(key.get(name), str) for name in own) or key.keys() - own - _COMMON:
        raise JwkError("wrong-members")
    if key.get("alg", algorithm) != algorithm:
        raise JwkError("algorithm")
    if key.get("use", "sig") != "sig" or key.get("key_ops", ["verify"]) != ["verify"]:
        raise JwkError("not-for-signatures")
    _check_strength(key, algorithm)
    return check_kid(key)


def _kind(key: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    family, curve = key.get("kty"), key.get("crv")
    if not isinstance(family, str) or not isinstance(curve, str | None):
        raise JwkError("not-a-key")
    kind = _KINDS.get((family, curve))
    if kind is None:
        raise JwkError("kind-of-key")
    return kind


def _check_strength(key: Mapping[str, Any], algorithm: str) -> None:
    try:
        public = jwt.PyJWK.from_dict(dict(key), algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError) as error:
        raise JwkError("not-a-key") from error
    if isinstance(public, RSAPublicKey) and not _MIN_RSA_BITS <= public.key_size <= _MAX_RSA_BITS:
        raise JwkError("rsa-size")


def check_kid(key: Mapping[str, Any]) -> str:
    """The key's name, in a form that goes into a header. Raises JwkError."""
    kid = key.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise JwkError("kid")
    return kid
