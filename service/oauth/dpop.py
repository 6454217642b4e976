"""DPoP proofs (RFC 9449): the caller holds the key that a token is bound to.

`verify` lists the checks of section 4.3 in order. That a proof is used once is settled by the
caller, in the transaction of what the proof is for.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from service.base64url import encode
from service.jose import Jws, JwsError, parse_claims, parse_header, split
from service.jwk import JwkError, VerificationKey, import_key
from service.oauth.addresses import normal_address
from service.oauth.errors import OAuthError, Reason
from service.oauth.nonces import Nonces
from service.oauth.times import is_ahead, seconds_of

TYPE = "dpop+jwt"
AGE = timedelta(seconds=60)
"""How old a proof may be; it is remembered as used until then."""
_LONGEST_JTI = 256
_HEADER_MEMBERS = frozenset({"typ", "alg", "jwk", "kid"})
_CLAIMS = (("jti", str), ("htm", str), ("htu", str))


@dataclass(frozen=True, slots=True)
class Proof:
    """A verified proof."""

    jkt: str
    """Thumbprint of its key (RFC 7638)."""
    jti: str = field(repr=False)
    expires: datetime
    """From then on it is refused for its age."""

    @property
    def once(self) -> str:
        """What may be used once: the pair of key and id."""
        return f"{self.jkt}\x00{self.jti}"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the request is, and what the proof must say of it."""

    method: str
    address: str
    """By the configured base URL, in normal form."""
    now: datetime
    ath: str | None = field(default=None, repr=False)
    """Hash of the access token, at resources; see `token_hash`."""
    nonces: Nonces | None = None


def verify(values: list[str], expected: Expected) -> Proof:
    """The proof in the request's DPoP header. Raises OAuthError."""
    proof = _parse(_the_one(values))  # steps 1 and 2
    key = proof_key(proof.header_segment)  # steps 4, 5 and 7
    claims = _verified_claims(proof, key)  # steps 2 and 6
    jti, issued = _check_claims(claims)  # step 3
    _check_method(claims, expected)  # step 8
    _check_address(claims, expected)  # step 9
    _check_nonce(claims, expected)  # step 10
    _check_time(issued, expected)  # step 11
    _check_token(claims, expected)  # step 12
    expires = datetime.fromtimestamp(issued, UTC) + AGE
    return Proof(key.thumbprint, jti, expires)


def token_hash(token: str) -> str:
    """The `ath` of an access token (section 4.2)."""
    return encode(hashlib.sha256(token.encode()).digest())


def request_digest(signed: str) -> str:
    """What the log says of a request that its sender signed: SHA-256 of proof or assertion."""
    return hashlib.sha256(signed.encode()).hexdigest()


@lru_cache(maxsize=4096)
def proof_key(header_segment: str) -> VerificationKey:
    """The key in a proof's header. Raises OAuthError.

    All proofs with one key have the same header, so the last keys are remembered.
    """
    try:
        header = parse_header(header_segment)
    except JwsError as error:
        raise OAuthError(Reason.PROOF_MALFORMED) from error
    if header.typ != TYPE or header.jwk is None or header.members - _HEADER_MEMBERS:
        raise OAuthError(Reason.PROOF_MALFORMED)
    try:
        key = import_key(header.jwk)
    except JwkError as error:
        raise OAuthError(Reason.PROOF_KEY) from error
    if header.alg not in key.algorithms:
        raise OAuthError(Reason.PROOF_KEY)
    return key


def _the_one(values: list[str]) -> str:
    if len(values) != 1:
        raise OAuthError(Reason.PROOF_MISSING)
    return values[0]


def _parse(value: str) -> Jws:
    try:
        return split(value)
    except JwsError as error:
        raise OAuthError(Reason.PROOF_MALFORMED) from error


def _verified_claims(proof: Jws, key: VerificationKey) -> dict[str, object]:
    try:
        return parse_claims(proof.open_with(key))
    except JwsError as error:
        reason = Reason.PROOF_SIGNATURE if error.reason == "signature" else Reason.PROOF_MALFORMED
        raise OAuthError(reason) from error


def _check_claims(claims: dict[str, object]) -> tuple[str, float]:
    jti, issued = claims.get("jti"), seconds_of(claims.get("iat"))
    typed = all(isinstance(claims.get(name), kind) for name, kind in _CLAIMS)
    if not typed or issued is None or not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
        raise OAuthError(Reason.PROOF_CLAIMS)
    return jti, issued


def _check_method(claims: dict[str, object], expected: Expected) -> None:
    if claims["htm"] != expected.method:
        raise OAuthError(Reason.PROOF_METHOD)


def _check_address(claims: dict[str, object], expected: Expected) -> None:
    if claims["htu"] == expected.address:
        return
    if normal_address(str(claims["htu"])) != expected.address:
        raise OAuthError(Reason.PROOF_ADDRESS)


def _check_nonce(claims: dict[str, object], expected: Expected) -> None:
    nonces = expected.nonces
    if nonces is not None and not nonces.accepts(claims.get("nonce"), expected.now):
        raise OAuthError(Reason.PROOF_NONCE)


def _check_time(issued: float, expected: Expected) -> None:
    old = issued < expected.now.timestamp() - AGE.total_seconds()
    if old or is_ahead(issued, expected.now):
        raise OAuthError(Reason.PROOF_TIME)


def _check_token(claims: dict[str, object], expected: Expected) -> None:
    if expected.ath is None:
        return
    claimed = claims.get("ath")
    if not isinstance(claimed, str) or not claimed.isascii():
        raise OAuthError(Reason.PROOF_TOKEN)
    if not hmac.compare_digest(claimed, expected.ath):
        raise OAuthError(Reason.PROOF_TOKEN)
