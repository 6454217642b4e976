"""How a client wants its data answers: signed, and beyond that encrypted to a key of its own.

Modelled on what OpenID Connect Core 1.0 section 5.3.2 does for UserInfo: the client's metadata name
the algorithms, the key stands among its `jwks` with the use `enc` (RFC 7517 section 4.2). There is
one choice of each: ES256, and ECDH-ES with A256GCM (RFC 7518 sections 3.4, 4.6, 5.3).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import jwt

from consent.jwk import JwkError, check_kid
from policies.canonical import canonical_json

SIGNED = "data_signed_response_alg"
ENCRYPTED = "data_encrypted_response_alg"
CONTENT = "data_encrypted_response_enc"
MEMBERS = frozenset({SIGNED, ENCRYPTED, CONTENT})
SIGNING_ALGORITHM = "ES256"
KEY_AGREEMENT = "ECDH-ES"
CONTENT_ENCRYPTION = "A256GCM"
_KEY_MEMBERS = frozenset({"kty", "crv", "x", "y", "kid", "alg", "use", "key_ops"})


class AnswerSealError(ValueError):
    """Not a wish that can be met; `member` says where, `reason` why."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AnswerSeal:
    """Every data answer is signed, and encrypted where there is a key for it."""

    encryption_key: Mapping[str, Any] | None = field(default=None, repr=False)
    """A P-256 public key as JWK."""

    @classmethod
    def of(cls, metadata: Mapping[str, object], keys: Sequence[Mapping[str, Any]]) -> Self | None:
        """What the metadata ask for; `keys` are those for encryption. Raises AnswerSealError."""
        for member, only in _ONLY.items():
            if metadata.get(member, only) != only:
                raise AnswerSealError(member, "not-supported")
        if ENCRYPTED not in metadata:
            if CONTENT in metadata or keys:
                raise AnswerSealError(ENCRYPTED, "missing")
            return cls() if SIGNED in metadata else None
        if SIGNED not in metadata:
            raise AnswerSealError(SIGNED, "missing")  # who decrypts must see whose it is
        if len(keys) != 1:
            raise AnswerSealError("jwks", "one-encryption-key")
        check_encryption_key(keys[0])
        return cls(keys[0])

    def wishes(self) -> Mapping[str, object]:
        """The members of the client's metadata that ask for it."""
        signed = {SIGNED: SIGNING_ALGORITHM}
        if self.encryption_key is None:
            return signed
        return signed | {ENCRYPTED: KEY_AGREEMENT, CONTENT: CONTENT_ENCRYPTION}

    def to_bytes(self) -> bytes:
        """The form in which it is stored."""
        key = self.encryption_key
        return canonical_json(None if key is None else dict(key))

    @classmethod
    def from_bytes(cls, stored: bytes | None) -> Self | None:
        """None where answers are plain."""
        return None if stored is None else cls(json.loads(stored))


def is_for_encryption(key: object) -> bool:
    """Whether a JWK says that it is (RFC 7517 section 4.2)."""
    return isinstance(key, Mapping) and key.get("use") == "enc"


def check_encryption_key(key: Mapping[str, Any]) -> None:
    """Raises AnswerSealError unless it is a P-256 public key for ECDH-ES with a name."""
    if "d" in key:
        raise AnswerSealError("jwks", "private-key")
    texts = all(isinstance(key.get(name), str) for name in ("x", "y"))
    kind = (key.get("kty"), key.get("crv"), key.get("alg", KEY_AGREEMENT))
    if kind != ("EC", "P-256", KEY_AGREEMENT) or not texts or key.keys() - _KEY_MEMBERS:
        raise AnswerSealError("jwks", "kind-of-key")
    if key.get("key_ops", ["deriveKey"]) not in (["deriveKey"], ["deriveBits"]):
        raise AnswerSealError("jwks", "not-for-encryption")
    try:
        check_kid(key)
        jwt.PyJWK.from_dict({name: key[name] for name in ("kty", "crv", "x", "y")}, "ES256")
    except (JwkError, jwt.PyJWTError, ValueError) as error:
        raise AnswerSealError("jwks", "not-a-key") from error


_ONLY: Mapping[str, str] = {
    SIGNED: SIGNING_ALGORITHM,
    ENCRYPTED: KEY_AGREEMENT,
    CONTENT: CONTENT_ENCRYPTION,
}
