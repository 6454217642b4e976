"""Client authentication by `private_key_jwt` (RFC 7523 section 3, FAPI 2.0 section 5.3.2.1).

Steps, in order; single use of the `jti` is settled in the transaction of the effect:

1. form and header: a JWS of a known type, no key and no address of a key inside
2. the client that `iss` names, equal to `sub` and to `client_id` where that stands
3. a registered key of this id and algorithm
4. the signature
5. `aud`: our issuer as a plain string (a list would let one assertion serve two servers)
6. times: not expired, not from the future, not valid for long
7. a `jti` of bounded length
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from policies.ids import ClientId
from service.base64url import Base64UrlError, decode
from service.jose import Jws, JwsError, parse_claims, parse_header, split
from service.jwk import VerificationKey
from service.oauth.directory import KnownClient
from service.oauth.errors import OAuthError, Reason
from service.oauth.parameters import Parameters
from service.oauth.times import is_ahead, seconds_of

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = timedelta(minutes=5)
_TYPES = frozenset({None, "JWT", "jwt", "client-authentication+jwt"})
_HEADER_MEMBERS = frozenset({"alg", "typ", "kid", "x5t", "x5t#S256"})
_LONGEST_JTI = 256
_CLIENT_ID = re.compile(r"[\x20-\x7e]{1,256}")
"""RFC 6749 appendix A.1, and short enough to be looked up."""


@dataclass(frozen=True, slots=True)
class Presented:
    """An assertion as it came: nothing of it is verified yet."""

    jws: Jws = field(repr=False)
    alg: str
    kid: str | None
    claims: dict[str, object] = field(repr=False)
    client_id: ClientId


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion."""

    client_id: ClientId
    jti: str = field(repr=False)
    expires: datetime

    @property
    def once(self) -> str:
        """What may be used once: the pair of client and id."""
        return f"{self.client_id}\x00{self.jti}"


def presented(parameters: Parameters) -> Presented:
    """Steps 1 and 2. Raises OAuthError."""
    text = parameters.get("client_assertion")
    if text is None or parameters.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError(Reason.CLIENT_MISSING)
    try:
        jws = split(text)
        header = parse_header(jws.header_segment)
        claims = parse_claims(decode(jws.payload_segment))
    except (JwsError, Base64UrlError) as error:
        raise OAuthError(Reason.ASSERTION_MALFORMED) from error
    if header.typ not in _TYPES or header.members - _HEADER_MEMBERS:
        raise OAuthError(Reason.ASSERTION_MALFORMED)
    client_id = _issuer(claims, parameters)
    return Presented(jws, header.alg, header.kid, claims, client_id)


def verify(given: Presented, known: KnownClient, *, issuer: str, now: datetime) -> Assertion:
    """Steps 3 to 7. Raises OAuthError."""
    _verify_signature(given, _key(given, known))
    _check_audience(given.claims, issuer)
    expires = _check_times(given.claims, now)
    return Assertion(given.client_id, _jti(given.claims), expires)


def _issuer(claims: dict[str, object], parameters: Parameters) -> ClientId:
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(subject, str):
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    if not _CLIENT_ID.fullmatch(issuer):
        # The form first: a database need not take every character, and answers some with an error.
        raise OAuthError(Reason.CLIENT_UNKNOWN)
    if issuer != subject or parameters.get("client_id") not in {None, issuer}:
        raise OAuthError(Reason.CLIENT_DIFFERS)
    return ClientId(issuer)


def _key(given: Presented, known: KnownClient) -> VerificationKey:
    wanted = known.client.token_endpoint_auth_signing_alg
    fitting = [
        key
        for key in known.keys
        if given.alg in key.algorithms and (given.kid is None or key.kid == given.kid)
    ]
    if len(fitting) != 1 or (wanted is not None and wanted not in fitting[0].algorithms):
        raise OAuthError(Reason.ASSERTION_KEY)
    return fitting[0]


def _verify_signature(given: Presented, key: VerificationKey) -> None:
    try:
        given.jws.open_with(key)
    except JwsError as error:
        raise OAuthError(Reason.ASSERTION_SIGNATURE) from error


def _check_audience(claims: dict[str, object], issuer: str) -> None:
    if claims.get("aud") != issuer:
        raise OAuthError(Reason.ASSERTION_AUDIENCE)


def _check_times(claims: dict[str, object], now: datetime) -> datetime:
    expires = seconds_of(claims.get("exp"))
    if expires is None:
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    for name in ("iat", "nbf"):
        begins = seconds_of(claims.get(name))
        if name in claims and (begins is None or is_ahead(begins, now)):
            raise OAuthError(Reason.ASSERTION_TIME)
    seconds = now.timestamp()
    if not seconds < expires or is_ahead(expires - LIFETIME.total_seconds(), now):
        raise OAuthError(Reason.ASSERTION_TIME)
    return datetime.fromtimestamp(expires, UTC)


def _jti(claims: dict[str, object]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    return jti
