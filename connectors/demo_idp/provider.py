"""What the demo provider decides, apart from HTTP: requests, choices, codes, ID tokens."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from joserfc import jwt
from joserfc.jwk import KeySet

from connectors.client_keys import jose_key, public_jwks
from connectors.demo_data.people import DemoPerson
from connectors.demo_idp.authorization import AuthorizationRequest, check_request
from connectors.demo_idp.client_authentication import (
    ClientAuthenticationError,
    ClientAuthenticator,
    RegisteredClient,
)
from connectors.demo_idp.one_time import Clock, OneTimeStore
from connectors.identity_claims import (
    DISPLAY_NAME_CLAIM,
    FAMILY_NAME_CLAIM,
    GIVEN_NAMES_CLAIM,
    PROTECTED_CLAIM,
)
from connectors.ports import IDENTITY_CODE_SCHEME

METHOD = "urn:consent-vault:demo-identification"

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_ID_TOKEN_LIFE = timedelta(minutes=5)


class TokenError(Exception):
    """An error answer of the token endpoint (RFC 6749 section 5.2)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class _Grant:
    request: AuthorizationRequest
    person: DemoPerson
    acr: str
    auth_time: datetime


class DemoProvider:
    """One provider for one client. All state is in memory and goes with the process."""

    def __init__(
        self,
        people: Sequence[DemoPerson],
        *,
        issuer: str,
        client_id: str,
        client_jwks: Mapping[str, Any],
        redirect_uris: Collection[str],
        signing_key: EllipticCurvePrivateKey,
        clock: Clock,
    ) -> None:
        self.people = {person.key: person for person in people}
        self.issuer = issuer
        self.jwks = public_jwks(signing_key)
        self._client_id = client_id
        self._redirect_uris = frozenset(redirect_uris)
        self._key = jose_key(signing_key)
        self._clock = clock
        # The key's own digest, so that `sub` stays the same for as long as the key does.
        self._pseudonym_key = hashlib.sha256(b"demo-sub" + self._key.as_pem(private=True)).digest()
        self._pending: OneTimeStore[AuthorizationRequest] = OneTimeStore(
            timedelta(minutes=10), clock
        )
        self._codes: OneTimeStore[_Grant] = OneTimeStore(timedelta(seconds=60), clock)
        self._tickets: OneTimeStore[DemoPerson] = OneTimeStore(timedelta(hours=24), clock)
        self._clients = ClientAuthenticator(
            RegisteredClient(client_id, KeySet.import_key_set({"keys": [*client_jwks["keys"]]})),
            audience=issuer,
            clock=clock,
        )

    def issue_ticket(self, person_key: str) -> str:
        """A `login_hint` that signs this person in once, without the chooser."""
        return self._tickets.put(self.people[person_key])

    def request(self, query: Mapping[str, str]) -> AuthorizationRequest:
        """The authorization request of this query, checked."""
        return check_request(
            query,
            issuer=self.issuer,
            client_id=self._client_id,
            redirect_uris=self._redirect_uris,
        )

    def keep(self, request: AuthorizationRequest) -> str:
        """Keep the request while the person chooses; its handle for the page's links."""
        return self._pending.put(request)

    def kept(self, handle: str) -> AuthorizationRequest | None:
        return self._pending.look(handle)

    def answer_ticket(self, request: AuthorizationRequest) -> str | None:
        """Where to go when the request brings an unused ticket; at the highest level asked for."""
        person = self._tickets.take(request.login_hint) if request.login_hint else None
        if person is None:
            return None
        _, acr = max(request.acrs)
        return self._grant(request, person, acr)

    def answer_choice(self, handle: str, person_key: str, level: str) -> str | None:
        """Where to go after a choice on the page; None when the choice is not on offer."""
        request = self._pending.look(handle)
        person = self.people.get(person_key)
        if request is None or person is None:
            return None
        acr = {loa.name.lower(): acr for loa, acr in request.acrs}.get(level)
        if acr is None or self._pending.take(handle) is None:
            return None
        return self._grant(request, person, acr)

    def answer_cancel(self, handle: str) -> str | None:
        """Where to go when the person stops."""
        request = self._pending.take(handle)
        return None if request is None else request.answer(error="access_denied")

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The token answer (OpenID Connect Core section 3.1.3.3)."""
        try:
            self._clients.authenticate(form)
        except ClientAuthenticationError as error:
            raise TokenError("invalid_client") from error
        if form.get("grant_type") != "authorization_code":
            raise TokenError("unsupported_grant_type")
        # The code dies with the first try, so that a thief cannot guess at its verifier.
        grant = self._codes.take(form.get("code", ""))
        if grant is None or not _redeems(grant.request, form):
            raise TokenError("invalid_grant")
        return {
            "access_token": secrets.token_urlsafe(32),  # there is nothing here to open with it
            "token_type": "Bearer",
            "expires_in": 60,
            "scope": "openid",
            "id_token": self._id_token(grant),
        }

    def _grant(self, request: AuthorizationRequest, person: DemoPerson, acr: str) -> str:
        return request.answer(code=self._codes.put(_Grant(request, person, acr, self._clock())))

    def _id_token(self, grant: _Grant) -> str:
        now = self._clock()
        claims = {
            "iss": self.issuer,
            "sub": self._subject(grant.person),
            "aud": grant.request.client_id,
            "iat": int(now.timestamp()),
            "exp": int((now + _ID_TOKEN_LIFE).timestamp()),
            "auth_time": int(grant.auth_time.timestamp()),
            "nonce": grant.request.nonce,
            "acr": grant.acr,
            "amr": [METHOD],
            **_identity_claims(grant.person),
        }
        header = {"alg": "ES256", "kid": self._key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._key, algorithms=["ES256"])

    def _subject(self, person: DemoPerson) -> str:
        return hmac.new(self._pseudonym_key, person.key.encode(), hashlib.sha256).hexdigest()


def _identity_claims(person: DemoPerson) -> dict[str, str]:
    """The claims of the Finnish trust network (recommendation 213/2023 S) that we know of."""
    return {
        IDENTITY_CODE_SCHEME: person.identity_code,
        DISPLAY_NAME_CLAIM: person.name,
        GIVEN_NAMES_CLAIM: person.given_names,
        FAMILY_NAME_CLAIM: person.family_name,
        PROTECTED_CLAIM: "1" if person.protected else "0",
    }


def _redeems(request: AuthorizationRequest, form: Mapping[str, str]) -> bool:
    """RFC 6749 section 4.1.3 and RFC 7636 section 4.6."""
    verifier = form.get("code_verifier", "")
    if form.get("redirect_uri") != request.redirect_uri or not _VERIFIER.fullmatch(verifier):
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return hmac.compare_digest(made, request.code_challenge)
