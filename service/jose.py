"""One reader of compact JWS for all uses (RFC 7515), held to RFC 8725 and FAPI 2.0 section 5.4.

The caller says which `typ` it takes and which header members; the algorithm belongs to the key.
Nothing of the payload is looked at before the signature is verified by `open_with`.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from consent.strict_json import StrictJsonError, parse_strict
from service.base64url import Base64UrlError, decode
from service.jwk import SignatureError, VerificationKey

ALGORITHMS = frozenset({"ES256", "PS256", "EdDSA", "Ed25519"})
MAX_BYTES = 8192
_MAX_HEADER = 3072
"""Room for an RSA key of 8192 bits; headers are remembered, so they must be small."""
_HEADER_DEPTH = 2
_PARTS = 3


class JwsError(ValueError):
    """A token that is not taken; `reason` is a fixed word and never holds what came in."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Jws:
    """A compact JWS taken apart, its signature not verified yet."""

    header_segment: str = field(repr=False)
    payload_segment: str = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def signing_input(self) -> bytes:
        return f"{self.header_segment}.{self.payload_segment}".encode("ascii")

    def header(self) -> "Header":
        """The protected header. Raises JwsError."""
        return parse_header(self.header_segment)

    def open_with(self, key: VerificationKey) -> bytes:
        """The payload, once the signature is verified. Raises JwsError."""
        try:
            key.verify(self.signature, self.signing_input)
            return decode(self.payload_segment)
        except SignatureError as error:
            raise JwsError("signature") from error
        except Base64UrlError as error:
            raise JwsError("base64url") from error


@dataclass(frozen=True, slots=True)
class Header:
    """The members of a protected header that we know."""

    alg: str
    typ: str | None
    kid: str | None
    jwk: dict[str, object] | None = field(repr=False)
    members: frozenset[str]


def split(token: str) -> Jws:
    """The three parts of a compact JWS. Raises JwsError."""
    if len(token) > MAX_BYTES:
        raise JwsError("too-long")
    parts = token.split(".")
    if len(parts[0]) > _MAX_HEADER:
        raise JwsError("too-long")
    if len(parts) != _PARTS or not token.isascii() or not parts[0]:
        raise JwsError("not-compact")
    try:
        return Jws(parts[0], parts[1], decode(parts[2]))
    except Base64UrlError as error:
        raise JwsError("base64url") from error


@lru_cache(maxsize=1024)
def parse_header(segment: str) -> Header:
    """The protected header in its base64url segment. Raises JwsError.

    A program sends the same header with each of its tokens, so the last ones are remembered.
    """
    members = _strict_object(segment)
    alg, jwk = members.get("alg"), members.get("jwk")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise JwsError("algorithm")
    if "crit" in members:
        raise JwsError("critical")
    if jwk is not None and not isinstance(jwk, dict):
        raise JwsError("header")
    return Header(alg, _text(members, "typ"), _text(members, "kid"), jwk, frozenset(members))


def parse_claims(payload: bytes) -> dict[str, object]:
    """The payload as a JSON object. Raises JwsError."""
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise JwsError("claims") from error
    if not isinstance(claims, dict):
        raise JwsError("claims")
    return claims


def _text(members: dict[str, object], name: str) -> str | None:
    value = members.get(name)
    if value is None or isinstance(value, str):
        return value
    raise JwsError("header")


def _strict_object(segment: str) -> dict[str, object]:
    try:
        value = parse_strict(decode(segment), max_bytes=MAX_BYTES, max_depth=_HEADER_DEPTH)
    except Base64UrlError as error:
        raise JwsError("base64url") from error
    except StrictJsonError as error:
        raise JwsError("header") from error
    if not isinstance(value, dict):
        raise JwsError("header")
    return value
